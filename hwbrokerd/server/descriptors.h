/* SPDX-License-Identifier: MIT */
/*
 * How many descriptors the daemon may have: all that the system lets it have, of which
 * clients cannot use the last few. With these a caller is accepted who else would wait for
 * what others give back, if only to be turned away; and root, who can mend it, is served.
 */
#ifndef HWBROKERD_SERVER_DESCRIPTORS_H
#define HWBROKERD_SERVER_DESCRIPTORS_H

#include <sys/resource.h>

/* Call once, at the start. */
void descriptors_limit(void);

/* From here to descriptors_clients_only() all of them can be used: between these calls open
 * what is for root, or closed at once, and nothing else. Of one thread. */
struct rlimit descriptors_all(void);
void descriptors_clients_only(const struct rlimit *before);

/* From now on what the default loop itself lacks of descriptors is from these; without any it
 * tries again, where libev would abort. */
void descriptors_guard_loop(void);

#endif
