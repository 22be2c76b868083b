/* SPDX-License-Identifier: MIT */
/* Which command the words of a command line mean, and what to say if they mean none. */
#include "commands.h"
#include "spelling.h"

#include <string.h>

enum { WORDS_MAX = 64 /* more than there are verbs, or objects of one */ };

struct words {
	const char *items[WORDS_MAX];
	unsigned count;
};

static bool has(const struct words *words, const char *word)
{
	for (unsigned i = 0; i < words->count; i++)
		if (strcmp(words->items[i], word) == 0)
			return true;
	return false;
}

static void add(struct words *words, const char *word)
{
	if (!has(words, word) && words->count < WORDS_MAX)
		words->items[words->count++] = word;
}

static void try_help(void)
{
	fputs("\nTry `hwbroker-ctl --help'.\n", stderr);
}

static void say_words(const char *before, const struct words *words)
{
	for (unsigned i = 0; i < words->count; i++)
		fprintf(stderr, "%s%s", i == 0 ? before : ", ", words->items[i]);
}

/* `list': what is known is few enough to be told. */
static void say_unknown(const char *what, const char *word, const struct words *known, bool list)
{
	const char *near = spelling_nearest(word, known->items, known->count);

	fprintf(stderr, "hwbroker-ctl: %s `%s'", what, word);
	if (near != NULL)
		fprintf(stderr, "; did you mean `%s'?", near);
	else if (list)
		say_words("; it has: ", known);
	try_help();
}

static const struct command *no_such_verb(const char *word)
{
	struct words verbs = { .count = 0 };

	for (unsigned i = 0; i < command_count; i++)
		add(&verbs, commands[i].verb);
	say_unknown("no such command", word, &verbs, false);
	return NULL;
}

/* Of a verb that has objects: `word' is none of them, or NULL. */
static const struct command *no_such_object(const char *verb, const char *word,
                                            const struct words *objects)
{
	char what[64];

	if (word != NULL) {
		snprintf(what, sizeof(what), "`%.32s' knows no", verb);
		say_unknown(what, word, objects, true);
		return NULL;
	}
	fprintf(stderr, "hwbroker-ctl: `%s' needs one of", verb);
	say_words(": ", objects);
	try_help();
	return NULL;
}

const struct command *commands_find(unsigned count, char *const *words, unsigned *named)
{
	const struct command *found = NULL;
	struct words objects = { .count = 0 };

	for (unsigned i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		if (strcmp(command->verb, words[0]) != 0)
			continue;
		if (command->object != NULL)
			add(&objects, command->object);
		if (command->object == NULL ||
		    (count > 1 && strcmp(command->object, words[1]) == 0))
			found = command;
	}
	if (found == NULL && objects.count == 0)
		return no_such_verb(words[0]);
	if (found == NULL)
		return no_such_object(words[0], count > 1 ? words[1] : NULL, &objects);
	*named = found->object != NULL ? 2 : 1;
	unsigned behind = count - *named;
	if (behind >= found->least && behind <= found->most)
		return found;
	fprintf(stderr, "hwbroker-ctl: `%s%s%s' %s%s%s", found->verb,
	        found->object != NULL ? " " : "", found->object != NULL ? found->object : "",
	        behind < found->least ? "needs " : "has a word too many behind it: `",
	        behind < found->least ? found->needs : words[*named + found->most],
	        behind < found->least ? "" : "'");
	try_help();
	return NULL;
}
