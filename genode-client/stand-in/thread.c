/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include "lock.h"
#include "print.h"
#include "system.h"

#include <string.h>

enum { PAGE = 4096, UNUSED = 0x5a };
enum { IDLE, ASKED, DONE };

/* linux/sched.h: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM */
enum { CLONE_THREAD_LIKE = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 };

struct entrypoint main_ep = { .name = "main", .stack_size = 5 * PAGE };
struct entrypoint irq_ep = { .name = "irq", .stack_size = 2 * PAGE };
struct entrypoint ioport_ep = { .name = "ioport", .stack_size = PAGE };

/* What to run lies on top of the new stack: the new thread has nothing else. */
long thread_clone(void *stack_top, void (*run)(void *), void *argument, unsigned long flags);

__asm__(".text\n"
        ".globl thread_clone\n"
        "thread_clone:\n"
        "\tlea -16(%rdi), %rdi\n"
        "\tmov %rsi, (%rdi)\n"
        "\tmov %rdx, 8(%rdi)\n"
        "\tmov %rdi, %rsi\n"
        "\tmov %rcx, %rdi\n"
        "\txor %edx, %edx\n"
        "\txor %r10d, %r10d\n"
        "\txor %r8d, %r8d\n"
        "\tmov $56, %eax\n" /* SYS_clone */
        "\tsyscall\n"
        "\ttest %rax, %rax\n"
        "\tjz 1f\n"
        "\tret\n"
        "1:\txor %ebp, %ebp\n"
        "\tpop %rax\n"
        "\tpop %rdi\n"
        "\tcall *%rax\n"
        "\tud2\n");

static void give_up(const char *name, long error)
{
	print("not ok thread %s: cannot be started (errno %d)", name, (int)-error);
	system_exit(1);
}

unsigned char *thread_stack(const char *name, size_t size)
{
	unsigned char *guard = system_map(size + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	if (guard == NULL)
		give_up(name, -ENOMEM);
	long result = system3(SYS_mprotect, at(guard + PAGE), (long)size, PROT_READ | PROT_WRITE);
	if (result != 0)
		give_up(name, result);
	return guard + PAGE;
}

void thread_start(const char *name, unsigned char *stack, size_t stack_size, void (*run)(void *),
                  void *argument)
{
	long result = thread_clone(stack + stack_size, run, argument, CLONE_THREAD_LIKE);

	if (result < 0)
		give_up(name, result);
}

static void set_state(struct entrypoint *entrypoint, uint32_t state)
{
	__atomic_store_n(&entrypoint->state, state, __ATOMIC_RELEASE);
	futex_wake(&entrypoint->state);
}

static void wait_for_state(const struct entrypoint *entrypoint, uint32_t wanted)
{
	uint32_t state;

	while ((state = __atomic_load_n(&entrypoint->state, __ATOMIC_ACQUIRE)) != wanted)
		futex_wait(&entrypoint->state, state);
}

static void serve(void *context)
{
	struct entrypoint *entrypoint = context;

	for (;;) {
		wait_for_state(entrypoint, ASKED);
		entrypoint->work(entrypoint->argument);
		set_state(entrypoint, DONE);
	}
}

static void start_entrypoint(struct entrypoint *entrypoint)
{
	entrypoint->stack = thread_stack(entrypoint->name, entrypoint->stack_size);
	memset(entrypoint->stack, UNUSED, entrypoint->stack_size);
	thread_start(entrypoint->name, entrypoint->stack, entrypoint->stack_size, serve,
	             entrypoint);
}

void entrypoints_start(void)
{
	start_entrypoint(&main_ep);
	start_entrypoint(&irq_ep);
	start_entrypoint(&ioport_ep);
}

void on_begin(struct entrypoint *entrypoint, void (*work)(void *argument), void *argument)
{
	entrypoint->work = work;
	entrypoint->argument = argument;
	set_state(entrypoint, ASKED);
}

void on_end(struct entrypoint *entrypoint)
{
	wait_for_state(entrypoint, DONE);
	__atomic_store_n(&entrypoint->state, IDLE, __ATOMIC_RELAXED);
}

void on(struct entrypoint *entrypoint, void (*work)(void *argument), void *argument)
{
	on_begin(entrypoint, work, argument);
	on_end(entrypoint);
}

size_t entrypoint_stack_left(const struct entrypoint *entrypoint)
{
	size_t left = 0;

	while (left < entrypoint->stack_size && entrypoint->stack[left] == UNUSED)
		left++;
	return left;
}
