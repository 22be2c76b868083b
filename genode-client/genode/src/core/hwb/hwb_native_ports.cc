/* SPDX-License-Identifier: MIT */
#include <hwb/native_ports.h>
#include <util/string.h>

using namespace Genode;

extern char **lx_environ;


/* A hexadecimal number, with or without 0x; text is moved behind it. */
static bool number(char const *&text, unsigned &value)
{
	if (text[0] == '0' && text[1] == 'x')
		text += 2;

	char const * const start = text;
	for (value = 0; is_digit(*text, true) && text - start < 5; text++)
		value = value*16 + unsigned(digit(*text, true));

	return text != start;
}


/* One range may be named in parts: each port is looked for on its own. */
static bool port_in_list(char const *text, unsigned port)
{
	for (;;) {
		unsigned first = 0, last = 0;

		if (!number(text, first))
			return false;
		last = first;
		if (*text == '-' && !number(++text, last))
			return false;
		if (*text && *text != ',')
			return false;
		if (port >= first && port <= last)
			return true;
		if (!*text++)
			return false;
	}
}


bool Core::Hwb::ports_in_list(char const *text, unsigned base, unsigned count)
{
	for (unsigned port = base; port < base + count; port++)
		if (!port_in_list(text, port))
			return false;
	return true;
}


#if defined(__x86_64__) || defined(__i386__)

bool Core::Hwb::native_ports(unsigned base, unsigned count)
{
	static char const name[] = "HWB_NATIVE_PORTS=";

	for (char **variable = lx_environ; variable && *variable; variable++)
		if (strcmp(*variable, name, sizeof(name) - 1) == 0)
			return ports_in_list(*variable + sizeof(name) - 1, base, count);

	return false;
}


uint32_t Core::Hwb::native_in(unsigned short port, unsigned width)
{
	uint8_t  byte = 0;
	uint16_t word = 0;
	uint32_t dword = 0;

	switch (width) {
	case 1:  asm volatile ("inb %w1, %b0" : "=a"(byte)  : "Nd"(port)); return byte;
	case 2:  asm volatile ("inw %w1, %w0" : "=a"(word)  : "Nd"(port)); return word;
	default: asm volatile ("inl %w1, %0"  : "=a"(dword) : "Nd"(port)); return dword;
	}
}


void Core::Hwb::native_out(unsigned short port, unsigned width, uint32_t value)
{
	switch (width) {
	case 1:  asm volatile ("outb %b0, %w1" : : "a"(value), "Nd"(port)); return;
	case 2:  asm volatile ("outw %w0, %w1" : : "a"(value), "Nd"(port)); return;
	default: asm volatile ("outl %0, %w1"  : : "a"(value), "Nd"(port)); return;
	}
}

#else

/* No instruction is there for it, and no launcher that could permit one. */
bool Core::Hwb::native_ports(unsigned, unsigned) { return false; }


uint32_t Core::Hwb::native_in(unsigned short, unsigned) { return 0; }


void Core::Hwb::native_out(unsigned short, unsigned, uint32_t) { }

#endif
