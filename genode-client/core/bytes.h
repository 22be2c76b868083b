/* SPDX-License-Identifier: MIT */
/* Copying without a libc's headers; compilers turn these into what is fastest. */
#ifndef HWBROKER_CLIENT_BYTES_H
#define HWBROKER_CLIENT_BYTES_H

#include <stddef.h>

static inline void bytes_copy(void *to, const void *from, size_t size)
{
	if (size != 0)
		__builtin_memcpy(to, from, size);
}

#endif
