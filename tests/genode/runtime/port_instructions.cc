/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include <port_instructions.h>

namespace
{

char notes[4096];

void note(char const *format, ...)
{
	size_t const length = strlen(notes);
	va_list list;

	va_start(list, format);
	vsnprintf(notes + length, sizeof(notes) - length, format, list);
	va_end(list);
}

/* The forms with the port in dx: `width' is in bytes, and 0 for any other instruction. */
struct Instruction {
	unsigned width, length;
	bool out;

	explicit Instruction(uint8_t const *at) : width(0), length(1), out(false)
	{
		bool const word = at[0] == 0x66;

		if (word)
			at++;
		if ((at[0] & 0xfc) != 0xec)
			return;
		out = at[0] & 2;
		width = word ? 2 : at[0] & 1 ? 4 : 1;
		length = word ? 2 : 1;
	}
};

void carry_out(int, siginfo_t *, void *context)
{
	gregset_t &registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
	Instruction const instruction(reinterpret_cast<uint8_t const *>(registers[REG_RIP]));

	if (!instruction.width) {
		signal(SIGSEGV, SIG_DFL); /* it comes again, and ends the test */
		return;
	}
	unsigned const port = registers[REG_RDX] & 0xffff, bits = 8 * instruction.width;
	uint64_t const mask = UINT64_MAX >> (64 - bits);
	uint64_t const value = static_cast<uint64_t>(registers[REG_RAX]);

	if (instruction.out) {
		note("out %u at %#x: %#lx\n", bits, port, value & mask);
	} else {
		note("in %u at %#x\n", bits, port);
		registers[REG_RAX] =
		        static_cast<greg_t>((value & ~mask) | (0x12345678 >> (32 - bits)));
	}
	registers[REG_RIP] += instruction.length;
}

} // namespace

void Stub_runtime::catch_port_instructions()
{
	struct sigaction action {
	};

	action.sa_sigaction = carry_out;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSEGV, &action, nullptr);
}

unsigned Stub_runtime::port_instructions(char const *words)
{
	unsigned count = 0;

	for (char const *at = notes; (at = strstr(at, words)); at++)
		count++;
	return count;
}
