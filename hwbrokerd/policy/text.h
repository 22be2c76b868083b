/* SPDX-License-Identifier: MIT */
/* Which bytes a policy may consist of: what a person sees is what counts. */
#ifndef HWBROKERD_POLICY_TEXT_H
#define HWBROKERD_POLICY_TEXT_H

#include "util/fault.h"

#include <stddef.h>

/* 0 if the line (without its end) is UTF-8 text with no control character but
 * tab; else -1 with `fault` naming byte and column. */
int text_check(const char *line, size_t length, struct fault *fault);

#endif
