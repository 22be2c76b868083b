/* SPDX-License-Identifier: MIT */
/* Arrays that grow by doubling: pointer, capacity and count of the caller. */
#ifndef HWBROKERD_POLICY_ARRAY_H
#define HWBROKERD_POLICY_ARRAY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for one more element behind `count`, all of which is zero: whole elements
 * go to clients, and with them no memory that was somebody's before. `array` is the
 * address of the caller's pointer. -1: out of memory, nothing changed. */
static inline int array_room(void *array, uint32_t *capacity, uint32_t count, size_t element)
{
	void *old;

	if (count < *capacity)
		return 0;
	uint32_t wanted = *capacity == 0 ? 8 : *capacity * 2;
	memcpy(&old, array, sizeof(old));
	void *grown = reallocarray(old, wanted, element);
	if (grown == NULL)
		return -1;
	memset((char *)grown + (size_t)*capacity * element, 0,
	       (size_t)(wanted - *capacity) * element);
	memcpy(array, &grown, sizeof(grown));
	*capacity = wanted;
	return 0;
}

#endif
