/* SPDX-License-Identifier: MIT */
/*
 * What the daemon before has noted (resume/note.h), be it true or not. Input: what is wrong
 * with the head (3 bytes), how many records, those (13 bytes each), and what is done then (10
 * bytes each). A table is refused, or all that counts in it is told in its order and once; and
 * whatever is done with it then, the next daemon finds the same.
 *
 * Its layout is note.c's alone, so that is included here.
 */
#define _GNU_SOURCE /* as note.c */
#include "fds.h"
#include "input.h"

/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "resume/note.c"

enum { RECORDS = 64, LISTED = 512, ACTS = 32 };

struct listed {
	uint32_t index;
	uint32_t kind;
	uint64_t id;
	unsigned char body[NOTE_BODY];
};

struct list {
	struct listed items[LISTED];
	uint32_t count;
};

/* ---- the table ---- */

/* Of each of the head's words one value in eight is wrong. */
static bool spoil_head(struct input *input)
{
	bool good = true;
	uint8_t which = take8(input), to = take8(input);

	if ((which & 7) == 7) {
		head()->magic[to % sizeof(magic)] ^= 1;
		good = false;
	}
	if ((which >> 3 & 7) == 7) {
		head()->version = to;
		good = good && to == NOTE_VERSION;
	}
	if ((which >> 6) == 3) {
		head()->records = to;
		good = false;
	}
	uint8_t attempts = take8(input);
	head()->attempts = attempts;
	return good && attempts < ATTEMPTS_MAX;
}

/* Half of them far from the others, at the table's end. */
static uint32_t place_of(uint8_t byte)
{
	return (byte & 0x80) != 0 ? NOTES - 1u - (byte & 0x7fu) : NUMBERED + byte;
}

static void write_record(struct input *input)
{
	struct record *record = &table[place_of(take8(input))];
	uint8_t truth = take8(input);

	record->kind = take8(input) % (NOTE_KINDS + 1);
	record->id = take8(input) % 8;
	record->revision = take8(input) % 8;
	take_bytes(input, record->body, 8);
	record->check = checksum(record) ^ ((truth & 0xf0) == 0xf0);
	record->counts = (truth & 0x0f) == 0x0f ? 2 : (truth & 1);
}

/* Whether each one that counts is as it should be. */
static bool records_good(void)
{
	for (uint32_t i = NUMBERED; i < NOTES; i++) {
		const struct record *record = &table[i];
		if (record->counts == 0)
			continue;
		if (record->counts != 1 || record->kind == 0 || record->kind >= NOTE_KINDS ||
		    record->check != checksum(record))
			return false;
	}
	return true;
}

/* ---- what is told of it ---- */

static void add(const struct note *note, void *context)
{
	struct list *list = context;
	struct listed *item = &list->items[list->count];

	must(list->count < LISTED, "there are no more than were written");
	*item = (struct listed){ .index = note->index, .kind = note->kind, .id = note->id };
	memcpy(item->body, note->body, NOTE_BODY);
	must((uintptr_t)note->body % 8 == 0, "a body is aligned");
	must(note->index >= NUMBERED && note->index < NOTES, "a record is one of the table");
	if (list->count++ == 0)
		return;
	const struct listed *before = item - 1;
	must(before->kind < item->kind || (before->kind == item->kind && before->id < item->id),
	     "they come by kind, then by id, and once");
}

static void list_all(struct list *list)
{
	list->count = 0;
	must(note_each(add, list) == 0, "there is memory");
}

/* By kind and id: the latest revision of what counts, and 1; 0: there is none. */
struct latest {
	uint64_t of[NOTE_KINDS][8];
};

static struct latest find_latest(void)
{
	struct latest latest = { 0 };

	for (uint32_t i = NUMBERED; i < NOTES; i++) {
		const struct record *record = &table[i];
		if (record->counts == 0)
			continue;
		uint64_t *there = &latest.of[record->kind][record->id % 8];
		if (record->revision + 1 > *there)
			*there = record->revision + 1;
	}
	return latest;
}

static void check_latest(const struct latest *latest, const struct list *list)
{
	uint32_t count = 0;

	for (uint32_t kind = 0; kind < NOTE_KINDS; kind++)
		for (uint32_t id = 0; id < 8; id++)
			count += latest->of[kind][id] != 0;
	must(count == list->count, "all that counts is told, and no more");
	for (uint32_t i = 0; i < list->count; i++) {
		const struct listed *item = &list->items[i];
		must(table[item->index].revision + 1 == latest->of[item->kind][item->id],
		     "of two the later one counts");
	}
}

static void check_same(const struct list *a, const struct list *b)
{
	must(a->count == b->count, "the next daemon finds as many");
	for (uint32_t i = 0; i < a->count; i++)
		must(a->items[i].kind == b->items[i].kind && a->items[i].id == b->items[i].id &&
		             memcmp(a->items[i].body, b->items[i].body, NOTE_BODY) == 0,
		     "and the same");
}

/* ---- what is done ---- */

static void act(struct input *input, const struct list *list)
{
	uint8_t what = take8(input), which = take8(input);
	uint32_t old = list->count != 0 ? list->items[which % list->count].index : 0;
	unsigned char body[8];

	take_bytes(input, body, sizeof(body));
	/* A number is given up once. */
	if (old != 0 && table[old].counts == 0)
		old = 0;
	switch (what % 4) {
	case 0:
		note_drop(old);
		break;
	case 1:
		note_set_live(old, which);
		must(old == 0 || note_live(old) == which, "it is what was set");
		break;
	case 2:
		must(note_put(old, NOTE_PEER, 100u + which, body, sizeof(body)) != 0,
		     "there is room");
		break;
	default:
		must(note_put(0, NOTE_IRQ, 1000u + note_new_id(), body, sizeof(body)) != 0,
		     "there is room");
		break;
	}
}

static void go_on(struct input *input, int fd)
{
	static struct list first, before, after;
	struct fault fault;

	const struct latest latest = find_latest();
	list_all(&first);
	check_latest(&latest, &first);
	note_resumed();
	for (int i = 0; i < ACTS && input->left != 0; i++)
		act(input, &first);
	list_all(&before);
	unmap();
	must(note_resume(fd, &fault) == 0, "the next daemon can use it");
	list_all(&after);
	check_same(&before, &after);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct fault fault = { 0 };
	unsigned fds_before = count_fds();
	int fd = note_begin();

	must(fd >= 0, "there is a table");
	bool good = spoil_head(&input);
	for (uint8_t count = take8(&input) % RECORDS; count != 0; count--)
		write_record(&input);
	good = good && records_good();
	unmap();
	must((note_resume(fd, &fault) == 0) == good,
	     "a table is refused that is wrong, and no other");
	must(good || fault.reason[0] != '\0', "it is said why");
	if (good) {
		go_on(&input, fd);
		unmap();
	}
	must(!note_works(), "nothing is open");
	close(fd);
	must(count_fds() == fds_before, "no descriptor is left");
	return 0;
}
