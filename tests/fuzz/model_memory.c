/* SPDX-License-Identifier: MIT */
/* Memory and descriptors that run out once, for the daemon alone. */
#include "input.h"
#include "model.h"

#include <errno.h>
#include <sys/eventfd.h>

uint32_t model_memory_fails_in;

static bool runs_out(int error)
{
	if (model_memory_fails_in == 0 || --model_memory_fails_in != 0)
		return false;
	model.failures++;
	errno = error;
	return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	return runs_out(ENOMEM) ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return runs_out(ENOMEM) ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
	return runs_out(ENOMEM) ? NULL : __real_realloc(old, size);
}

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags)
{
	return runs_out(EMFILE) ? -1 : __real_eventfd(count, flags);
}

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags)
{
	return runs_out(EMFILE) ? -1 : __real_memfd_create(name, flags);
}

void *model_alloc(size_t size)
{
	void *memory = __real_calloc(1, size);

	must(memory != NULL, "the model has memory");
	return memory;
}

int model_memfd(unsigned flags)
{
	return __real_memfd_create("fuzz", flags);
}

int model_eventfd(void)
{
	return __real_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}
