/* SPDX-License-Identifier: MIT */
/* Findings of the daemon, as several commands print them. */
#ifndef HWBROKER_CTL_FINDINGS_H
#define HWBROKER_CTL_FINDINGS_H

#include <hwbroker/protocol.h>
#include <jansson.h>
#include <stdio.h>

/* "[device net] /etc/hwbroker/hwbroker.conf:12"; "" if the finding names no rule or file. */
void findings_place(const struct hwb_finding *finding, char text[192]);

/* `indent` spaces, then `text` of at most `size` bytes, made printable and broken into lines of
 * `width` columns (0: not), of which those after the first begin with `indent` spaces, too. */
void findings_wrap(FILE *out, unsigned indent, unsigned width, const char *text, size_t size);

/* The same behind a label of `indent` columns that is there already. */
void findings_hang(FILE *out, unsigned indent, unsigned width, const char *text, size_t size);

/* code, level (as `levels` calls the three), text, rule, file, line. */
json_t *findings_json(const struct hwb_finding *finding, const char *const levels[3]);

#endif
