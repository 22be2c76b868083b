/* SPDX-License-Identifier: MIT */
/* Names in requests. */
#ifndef HWBROKERD_SESSION_NAME_H
#define HWBROKERD_SESSION_NAME_H

#include <hwbroker/protocol.h>
#include <stdbool.h>
#include <string.h>

/* A name as the wire has it: padded with zeros, one at least. */
static inline bool is_wire_name(const char name[HWB_NAME_SIZE])
{
	size_t length = strnlen(name, HWB_NAME_SIZE);

	for (size_t i = length; i < HWB_NAME_SIZE; i++)
		if (name[i] != '\0')
			return false;
	return length < HWB_NAME_SIZE;
}

/* One that a section of the policy can have, so that it may be told to people and written down. */
static inline bool is_section_name(const char name[HWB_NAME_SIZE])
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                           "0123456789-_.";

	return is_wire_name(name) && strspn(name, good) == strnlen(name, HWB_NAME_SIZE);
}

#endif
