/* SPDX-License-Identifier: MIT */
/*
 * Linux as core sees it: system calls and nothing else. Results below 0 are negated
 * errno values. Headers of the C library are used for numbers and structures only.
 */
#ifndef STAND_IN_SYSTEM_H
#define STAND_IN_SYSTEM_H

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static inline long system6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	                 : "rcx", "r11", "memory");
	return result;
}

static inline long system4(long number, long a, long b, long c, long d)
{
	return system6(number, a, b, c, d, 0, 0);
}

static inline long system3(long number, long a, long b, long c)
{
	return system6(number, a, b, c, 0, 0, 0);
}

/* A pointer as an argument. */
static inline long at(const volatile void *pointer)
{
	return (long)(uintptr_t)pointer;
}

static inline void system_close(int fd)
{
	if (fd >= 0)
		system3(SYS_close, fd, 0, 0);
}

/* NULL: it failed. */
static inline void *system_map(uint64_t size, int protection, int flags, int fd)
{
	long address = system6(SYS_mmap, 0, (long)size, protection, flags, fd, 0);

	return address < 0 && address >= -4095 ? (void *)0 : (void *)(uintptr_t)address;
}

/* A dataspace as a component maps it: shared, from the descriptor's start. */
static inline void *system_map_shared(uint64_t size, int fd)
{
	return system_map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
}

static inline void system_unmap(volatile void *address, uint64_t size)
{
	system3(SYS_munmap, at(address), (long)size, 0);
}

__attribute__((noreturn)) static inline void system_exit(int status)
{
	for (;;)
		system3(SYS_exit_group, status, 0, 0);
}

#endif
