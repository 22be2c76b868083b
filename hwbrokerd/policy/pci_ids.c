/* SPDX-License-Identifier: MIT */
#include "policy/pci_ids.h"

#include "policy/array.h"
#include "policy/hex.h"
#include "policy/safe_file.h"
#include "policy/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Debian and what comes from it; then the others. */
static const char *const places[] = { "/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids" };

/* In 2026 it has 1.5 MiB. */
enum { FILE_MAX = 16 * 1024 * 1024 };

/* As many as a report tells. */
enum { SUGGESTIONS_MAX = 200 };

static uint64_t hash_of(enum pci_name_kind kind, uint32_t scope, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u ^ ((uint64_t)kind << 32 | scope);

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint64_t)tolower((unsigned char)*name)) * 0x100000001b3u;
	return hash;
}

/* ---- reading ---- */

/* What the lines that follow belong to. */
struct context {
	bool vendor; /* else a class */
	bool known;
	uint32_t number;
	uint32_t sub; /* class and subclass */
};

static void add(struct pci_ids *ids, enum pci_name_kind kind, uint32_t scope, uint32_t number,
                const char *name)
{
	name += strspn(name, " ");
	if (*name == '\0')
		return;
	if (array_room(&ids->names, &ids->capacity, ids->count, sizeof(*ids->names)) != 0) {
		/* With some of the names missing, others would seem to be of one only. */
		fault_errno(&ids->failed, ENOMEM, "cannot read pci.ids");
		return;
	}
	ids->names[ids->count++] = (struct pci_name){
		.hash = hash_of(kind, scope, name),
		.name = name,
		.kind = kind,
		.scope = scope,
		.number = number,
	};
}

/* "8086  Intel Corporation", "C 02  Network controller"; others are passed over. */
static void read_head(struct pci_ids *ids, const char *line, struct context *context)
{
	*context = (struct context){ .vendor = line[0] != 'C' || line[1] != ' ' };
	if (context->vendor) {
		context->known = take_hex(&line, 4, 4, &context->number) == 0 && *line == ' ';
		if (context->known)
			add(ids, PCI_VENDOR_NAME, 0, context->number, line);
		return;
	}
	line += 2;
	context->known = take_hex(&line, 2, 2, &context->number) == 0 && *line == ' ';
	if (context->known)
		add(ids, PCI_CLASS_NAME, 0, 2u << 24 | context->number, line);
}

/* "10d3  82574L Gigabit Network Connection", "00  Ethernet controller" */
static void read_entry(struct pci_ids *ids, const char *line, struct context *context)
{
	uint32_t number;

	if (context->vendor && take_hex(&line, 4, 4, &number) == 0 && *line == ' ') {
		add(ids, PCI_DEVICE_NAME, context->number, number, line);
	} else if (!context->vendor && take_hex(&line, 2, 2, &number) == 0 && *line == ' ') {
		context->sub = context->number << 8 | number;
		add(ids, PCI_CLASS_NAME, 0, 4u << 24 | context->sub, line);
	}
}

/* "8086 a01f  Gigabit CT Desktop Adapter", "02  NVM Express" */
static void read_detail(struct pci_ids *ids, const char *line, const struct context *context)
{
	uint32_t vendor, number;

	if (context->vendor && take_hex(&line, 4, 4, &vendor) == 0 && take_char(&line, ' ') == 0 &&
	    take_hex(&line, 4, 4, &number) == 0 && *line == ' ')
		add(ids, PCI_SUBSYSTEM_NAME, vendor, number, line);
	else if (!context->vendor && take_hex(&line, 2, 2, &number) == 0 && *line == ' ')
		add(ids, PCI_CLASS_NAME, 0, 6u << 24 | context->sub << 8 | number, line);
}

static void read_lines(struct pci_ids *ids)
{
	struct context context = { 0 };

	for (char *line = ids->text; *line != '\0';) {
		size_t length = strcspn(line, "\n");
		char *next = line + length + (line[length] == '\n');
		while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL)
			length--;
		line[length] = '\0';
		size_t depth = strspn(line, "\t");
		if (depth == 0 && line[0] != '#' && line[0] != '\0')
			read_head(ids, line, &context);
		else if (depth == 1 && context.known)
			read_entry(ids, line + 1, &context);
		else if (depth == 2 && context.known)
			read_detail(ids, line + 2, &context);
		line = next;
	}
}

static int by_hash(const void *left, const void *right)
{
	const struct pci_name *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* The first that is there has to be good. */
static int open_file(struct pci_ids *ids)
{
	const char *const *paths = ids->path != NULL ? &ids->path : places;
	const size_t count = ids->path != NULL ? 1 : sizeof(places) / sizeof(places[0]);
	struct fault fault;
	size_t size;

	for (size_t i = 0; i < count; i++) {
		if (safe_file_read(paths[i], FILE_MAX, &ids->text, &size, &fault) == 0)
			return 0;
		if (fault.host_errno != ENOENT) {
			fault_set(&ids->failed, HWB_INVALID, "no names are known: %s %s", paths[i],
			          fault.reason);
			ids->failed.host_errno = fault.host_errno;
			return -1;
		}
	}
	return fault_set(&ids->failed, HWB_INVALID,
	                 "no names are known: there is no %s; install the package pci.ids, or "
	                 "write numbers",
	                 paths[0]);
}

static int ready(struct pci_ids *ids, struct fault *fault)
{
	if (!ids->read) {
		ids->read = true;
		if (open_file(ids) == 0) {
			read_lines(ids);
			if (ids->count > 0)
				qsort(ids->names, ids->count, sizeof(*ids->names), by_hash);
		}
	}
	if (ids->failed.status == HWB_OK)
		return 0;
	*fault = ids->failed;
	return -1;
}

void pci_ids_release(struct pci_ids *ids)
{
	free(ids->text);
	free(ids->names);
}

/* ---- looking up ---- */

static const char *const kinds[] = {
	[PCI_VENDOR_NAME] = "vendor",
	[PCI_DEVICE_NAME] = "device of this vendor",
	[PCI_SUBSYSTEM_NAME] = "subsystem of this vendor",
	[PCI_CLASS_NAME] = "device class",
};

static bool is(const struct pci_name *entry, enum pci_name_kind kind, uint32_t scope,
               const char *name)
{
	return entry->kind == kind && entry->scope == scope && strcasecmp(entry->name, name) == 0;
}

/* Where names of this hash begin. */
static uint32_t first_of(const struct pci_ids *ids, uint64_t hash)
{
	uint32_t low = 0, high = ids->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ids->names[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* `Intel' of `Intel Corporation': what a name begins with, of several the shortest, is nearer than
 * any misspelling. */
static void consider(struct suggestion *suggestion, const char *name)
{
	size_t length = strlen(suggestion->word);

	if (strncasecmp(name, suggestion->word, length) != 0 || name[length] != ' ') {
		suggest_consider(suggestion, name);
	} else if (suggestion->best == NULL || suggestion->distance != 0 ||
	           strlen(name) < strlen(suggestion->best)) {
		suggestion->best = name;
		suggestion->distance = 0;
	}
}

static int unknown(struct pci_ids *ids, enum pci_name_kind kind, uint32_t scope, const char *name,
                   struct fault *fault)
{
	struct suggestion suggestion;

	suggest_start(&suggestion, name);
	for (uint32_t i = 0; ids->suggestions < SUGGESTIONS_MAX && i < ids->count; i++)
		if (ids->names[i].kind == kind && ids->names[i].scope == scope)
			consider(&suggestion, ids->names[i].name);
	ids->suggestions++;
	return fault_set(fault, HWB_INVALID, "pci.ids has no %s `%s'%s", kinds[kind], name,
	                 suggest_text(&suggestion));
}

/* "pci.ids has more than one vendor `Adaptec': 9004, 9005; write the number" */
static int ambiguous(const struct pci_ids *ids, uint32_t at, const char *name, struct fault *fault)
{
	enum { ONE = 12 }; /* ", 123456", or ", ..." */
	const struct pci_name *first = &ids->names[at];
	char numbers[8 * ONE] = "";
	size_t length = 0;
	uint32_t last = UINT32_MAX;

	for (; at < ids->count && is(&ids->names[at], first->kind, first->scope, name); at++) {
		uint32_t number = ids->names[at].number;
		bool full = length + (size_t)(2 * ONE) > sizeof(numbers);
		if (number == last)
			continue;
		last = number;
		if (full) {
			snprintf(numbers + length, sizeof(numbers) - length, ", ...");
			break;
		}
		length += (size_t)snprintf(numbers + length, sizeof(numbers) - length, "%s%0*x",
		                           length != 0 ? ", " : "",
		                           number >> 24 != 0 ? (int)(number >> 24) : 4,
		                           number & 0xffffff);
	}
	return fault_set(fault, HWB_INVALID,
	                 "pci.ids has more than one %s `%s': %s; write the number",
	                 kinds[first->kind], name, numbers);
}

static int find(struct pci_ids *ids, enum pci_name_kind kind, uint32_t scope, const char *name,
                uint32_t *number, struct fault *fault)
{
	if (ready(ids, fault) != 0)
		return -1;
	uint32_t at = first_of(ids, hash_of(kind, scope, name));
	if (at == ids->count || !is(&ids->names[at], kind, scope, name))
		return unknown(ids, kind, scope, name, fault);
	*number = ids->names[at].number;
	for (uint32_t i = at + 1; i < ids->count && is(&ids->names[i], kind, scope, name); i++)
		if (ids->names[i].number != *number)
			return ambiguous(ids, at, name, fault);
	return 0;
}

int pci_ids_vendor(struct pci_ids *ids, const char *name, uint32_t *vendor, struct fault *fault)
{
	return find(ids, PCI_VENDOR_NAME, 0, name, vendor, fault);
}

int pci_ids_device(struct pci_ids *ids, uint32_t vendor, const char *name, uint32_t *device,
                   struct fault *fault)
{
	return find(ids, PCI_DEVICE_NAME, vendor, name, device, fault);
}

int pci_ids_subsystem(struct pci_ids *ids, uint32_t vendor, const char *name, uint32_t *device,
                      struct fault *fault)
{
	return find(ids, PCI_SUBSYSTEM_NAME, vendor, name, device, fault);
}

int pci_ids_class(struct pci_ids *ids, const char *name, uint32_t *code, uint32_t *digits,
                  struct fault *fault)
{
	uint32_t number = 0;

	if (find(ids, PCI_CLASS_NAME, 0, name, &number, fault) != 0)
		return -1;
	*digits = number >> 24;
	*code = number & 0xffffff;
	return 0;
}
