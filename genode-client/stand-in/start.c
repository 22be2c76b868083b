/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel starts the program, and the functions that compilers call without
 * being asked. There is no C library, and no thread-local storage.
 */
#include "start.h"
#include "system.h"

#include <stddef.h>

/* As <string.h> has them. */
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

/* The System V ABI for x86-64, 3.4.1: at the start %rsp is the address of argc, argv,
 * environment and auxiliary vector, and %rbp is to be cleared. */
__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "\txor %ebp, %ebp\n"
        "\tmov %rsp, %rdi\n"
        "\tand $-16, %rsp\n"
        "\tcall start\n"
        "\tud2\n");

__attribute__((noreturn, used)) void start(char **initial);

void start(char **initial)
{
	int argc = (int)(uintptr_t)initial[0];
	char **argv = initial + 1;

	system_exit(stand_in(argc, argv, argv + argc + 1));
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	void *end = to;

	__asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(size) : : "memory");
	return to;
}

void *memset(void *to, int value, size_t size)
{
	void *end = to;

	__asm__ volatile("rep stosb" : "+D"(end), "+c"(size) : "a"(value) : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *end = (unsigned char *)to + size;
	const unsigned char *last = (const unsigned char *)from + size;

	if ((uintptr_t)to - (uintptr_t)from >= size)
		return memcpy(to, from, size);
	while (size-- != 0)
		*(volatile unsigned char *)--end = *--last;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *left = a, *right = b;

	for (size_t i = 0; i < size; i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}
