/* SPDX-License-Identifier: MIT */
/* Prints the daemon's table of transitions as Promela: the states, the events, and what each
 * event does. An event that may not happen is an error of the model, as it is a bug of the
 * daemon. */
#include "device/lifecycle.h"

#include <ctype.h>
#include <stdio.h>

static const char *upper(const char *name)
{
	static char text[4][32];
	static unsigned next;
	char *at = text[next++ % 4];

	for (unsigned i = 0; i < sizeof(text[0]); i++) {
		at[i] = (char)toupper((unsigned char)name[i]);
		if (name[i] == '\0')
			break;
	}
	return at;
}

/* Those that tell of something done have a prefix, since states have such names, too. */
static const char *prefix(enum lifecycle_event event)
{
	return event == LIFE_DID_GRANT || event == LIFE_DID_CUT || event == LIFE_DID_RESET ||
	                       event == LIFE_DID_FREE || event == LIFE_DID_RESTORE
	               ? "DID_"
	               : "";
}

int main(void)
{
	for (unsigned i = 0; i < LIFE_STATES; i++)
		printf("#define %s %u\n", upper(lifecycle_state_name(i)), i);
	for (unsigned i = 0; i < LIFE_EVENTS; i++)
		printf("#define %s%s %u\n", prefix(i), upper(lifecycle_event_name(i)), i);
	printf("inline step(event)\n{\n\tatomic {\n\t\tif\n");
	for (unsigned from = 0; from < LIFE_STATES; from++)
		for (unsigned event = 0; event < LIFE_EVENTS; event++) {
			enum lifecycle_state to = lifecycle_next(from, event);
			if (to != LIFE_STATES)
				printf("\t\t:: event == %s%s && state == %s -> state = %s\n",
				       prefix(event), upper(lifecycle_event_name(event)),
				       upper(lifecycle_state_name(from)),
				       upper(lifecycle_state_name(to)));
		}
	printf("\t\t:: else -> assert(false)\n\t\tfi\n\t}\n}\n");
	return 0;
}
