/* SPDX-License-Identifier: MIT */
/* The files of a policy beside the first: policy.d in the same folder. */
#ifndef HWBROKERD_POLICY_DROP_INS_H
#define HWBROKERD_POLICY_DROP_INS_H

#include "util/fault.h"

#include <stdint.h>

struct drop_ins {
	char *folder;
	char **paths;
	uint32_t count, capacity;
};

/* Finds those that belong to the policy file `path`: names that end in `.conf' and do not
 * begin with a dot, in the order of their bytes. No folder: none. -1: `fault` is about the
 * folder, whose name is NULL if there was no memory for it. Released in any case. */
int drop_ins_find(struct drop_ins *drop_ins, const char *path, struct fault *fault);
void drop_ins_release(struct drop_ins *drop_ins);

#endif
