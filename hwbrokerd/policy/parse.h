/* SPDX-License-Identifier: MIT */
/*
 * From the reader's sections and keys to the arrays of struct policy. What can
 * be judged by one section alone is judged while it is read; what needs all of
 * them waits for check/check.h.
 */
#ifndef HWBROKERD_POLICY_PARSE_H
#define HWBROKERD_POLICY_PARSE_H

#include "policy/ini_reader.h"
#include "policy/keys.h"
#include "policy/pci_ids.h"
#include "policy/rules.h"
#include "policy/users.h"

struct seen_section {
	enum section_kind kind;
	char name[HWB_NAME_SIZE];
	uint32_t place;
};

/* A rule names a client, which may come later in the file. */
struct reference {
	enum section_kind kind; /* of the rule */
	uint32_t rule;
	uint32_t place;  /* of the key */
	uint32_t client; /* UINT32_MAX: not resolved */
	bool faulty;     /* the rule has mistakes: compare it with no other */
	char name[HWB_NAME_SIZE];
};

struct parser {
	struct policy *policy;
	struct report *report;
	const struct policy_users *users;
	struct pci_ids ids;

	/* The section that is being read; NULL: none that keys could belong to. */
	const struct section_type *section;
	bool faulty; /* a mistake in it was reported */
	bool unread; /* and is one of a line: what is missing may stand there, misspelt */
	bool lost;   /* a bad header was reported: its keys are passed over */
	enum section_kind kind;
	char name[HWB_NAME_SIZE];
	uint32_t section_place;
	void *target;
	uint32_t place;                       /* of the key that is being read, 0: a preset */
	uint32_t key_places[POLICY_KEYS_MAX]; /* where each was set; 0: not */

	struct seen_section *seen;
	uint32_t seen_count, seen_capacity;
	struct reference *references;
	uint32_t reference_count, reference_capacity;
	uint32_t first_reference; /* of the current section */
};

/* Readies a parser for `policy` and gives [broker] its defaults. */
void parser_start(struct parser *parser, struct policy *policy, const struct policy_users *users,
                  struct report *report);
struct ini_sink parser_sink(struct parser *parser);
/* What comes next begins outside of any section. */
void parser_end_file(struct parser *parser);
void parser_release(struct parser *parser);

/* Where the current section sets a key of this name, 0: nowhere. */
uint32_t parser_place_of(const struct parser *parser, const char *key);

/* For a setter of a list with commas: `add` takes each entry, none of which is empty. What is
 * wrong with one is reported, and the others are read. Always 0. */
int parser_each(struct parser *parser, const struct key *key, const char *value,
                int (*add)(struct parser *parser, char *entry, struct fault *fault));

/* Setters of the table, by the file that has them. parse_values.c: */
int set_u32(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_size(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_boolean(struct parser *parser, const struct key *key, const char *value,
                struct fault *fault);
int set_share(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_references(struct parser *parser, const struct key *key, const char *value,
                   struct fault *fault);

/* section/client.c */
int set_query_group(struct parser *parser, const struct key *key, const char *value,
                    struct fault *fault);
int set_change_group(struct parser *parser, const struct key *key, const char *value,
                     struct fault *fault);
int open_client(struct parser *parser);
int set_users(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_groups(struct parser *parser, const struct key *key, const char *value,
               struct fault *fault);
int set_units(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_slices(struct parser *parser, const struct key *key, const char *value,
               struct fault *fault);
void close_client(struct parser *parser);

/* section/device.c */
int open_device(struct parser *parser);
int set_address(struct parser *parser, const struct key *key, const char *value,
                struct fault *fault);
int set_id(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_subsystem(struct parser *parser, const struct key *key, const char *value,
                  struct fault *fault);
int set_class(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_slot(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_driver(struct parser *parser, const struct key *key, const char *value,
               struct fault *fault);
int set_path(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_virtual_function_of(struct parser *parser, const struct key *key, const char *value,
                            struct fault *fault);
int set_way(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_holders(struct parser *parser, const struct key *key, const char *value,
                struct fault *fault);
int set_dma(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_reset(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_config_write(struct parser *parser, const struct key *key, const char *value,
                     struct fault *fault);
void close_device(struct parser *parser);

/* section/ports.c */
int open_ports(struct parser *parser);
int set_range(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
void close_ports(struct parser *parser);

/* section/memory.c */
int open_memory(struct parser *parser);
int set_memory_range(struct parser *parser, const struct key *key, const char *value,
                     struct fault *fault);
int set_access(struct parser *parser, const struct key *key, const char *value,
               struct fault *fault);
void close_memory(struct parser *parser);

/* section/virtual.c */
int open_virtual(struct parser *parser);
void close_virtual(struct parser *parser);

/* section/interrupt.c */
int open_interrupt(struct parser *parser);
int set_irq(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
int set_source(struct parser *parser, const struct key *key, const char *value,
               struct fault *fault);
int set_uio(struct parser *parser, const struct key *key, const char *value, struct fault *fault);
void close_interrupt(struct parser *parser);

#endif
