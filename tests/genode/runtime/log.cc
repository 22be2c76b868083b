/* SPDX-License-Identifier: MIT */
/* Text and the log, which is kept for the test to look at. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/log.h>
#include <runtime.h>

namespace
{

pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;
char lines[1 << 20];
size_t length;

struct Log : Genode::Output {
	void out_char(char c) override
	{
		pthread_mutex_lock(&reading);
		if (length + 1 < sizeof(lines))
			lines[length++] = c;
		pthread_mutex_unlock(&reading);
	}
} lines_of_log;

void print_number(Genode::Output &out, char const *format, unsigned long long value)
{
	char text[24];

	snprintf(text, sizeof(text), format, value);
	out.out_string(text);
}

} // namespace

Genode::Output &Genode::stub_log_begin(Stub_log kind)
{
	pthread_mutex_lock(&writing);
	lines_of_log.out_string(kind == Stub_log::ERROR     ? "Error: "
	                        : kind == Stub_log::WARNING ? "Warning: "
	                                                    : "");
	return lines_of_log;
}

void Genode::stub_log_end()
{
	lines_of_log.out_char('\n');
	pthread_mutex_unlock(&writing);
}

unsigned Stub_runtime::logged(char const *words)
{
	unsigned count = 0;

	pthread_mutex_lock(&reading);
	for (char const *at = lines; (at = strstr(at, words)); at++)
		count++;
	pthread_mutex_unlock(&reading);
	return count;
}

bool Stub_runtime::waits_for_log(char const *words)
{
	for (int waited = 0; waited < PATIENCE; waited += STEP) {
		if (logged(words))
			return true;
		usleep(STEP);
	}
	return false;
}

void Stub_runtime::print_log()
{
	printf("%s", lines);
}

/* ---- text ---- */

void Genode::Output::out_string(char const *text, size_t max)
{
	for (; *text && max; text++, max--)
		out_char(*text);
}

void Genode::print(Output &out, char const *text)
{
	out.out_string(text ? text : "(null)");
}

void Genode::print(Output &out, unsigned long value)
{
	print_number(out, "%llu", value);
}

void Genode::print(Output &out, long value)
{
	print_number(out, "%lld", static_cast<unsigned long long>(value));
}

void Genode::print(Output &out, unsigned long long value)
{
	print_number(out, "%llu", value);
}

void Genode::print(Output &out, long long value)
{
	print_number(out, "%lld", static_cast<unsigned long long>(value));
}

void Genode::print(Output &out, void const *at)
{
	print_number(out, "0x%llx", reinterpret_cast<unsigned long>(at));
}

void Genode::Hex::print(Output &out) const
{
	print_number(out, "0x%llx", _value);
}

void Genode::Cstring::print(Output &out) const
{
	out.out_string(_text, _max);
}

Genode::size_t Genode::strlen(char const *text)
{
	return ::strlen(text);
}

void *Genode::memcpy(void *to, void const *from, size_t size)
{
	return ::memcpy(to, from, size);
}

void *Genode::memmove(void *to, void const *from, size_t size)
{
	return ::memmove(to, from, size);
}

int Genode::memcmp(void const *one, void const *other, size_t size)
{
	return ::memcmp(one, other, size);
}

int Genode::strcmp(char const *one, char const *other, size_t max)
{
	return ::strncmp(one, other, max);
}

void *Genode::memset(void *at, uint8_t value, size_t size)
{
	return ::memset(at, value, size);
}

void Genode::bzero(void *at, size_t size)
{
	::memset(at, 0, size);
}

void Genode::copy_cstring(char *to, char const *from, size_t size)
{
	snprintf(to, size, "%s", from);
}

/* ---- arguments of sessions: a, b=0x1000, c="text" ---- */

Genode::Arg Genode::Arg_string::find_arg(char const *args, char const *name)
{
	size_t const size = ::strlen(name);

	for (char const *at = args; (at = strstr(at, name)); at += size)
		if ((at == args || at[-1] == ' ' || at[-1] == ',') && at[size] == '=')
			return Arg(at + size + 1);
	return Arg(nullptr);
}

unsigned long Genode::Arg::ulong_value(unsigned long otherwise) const
{
	char *end = nullptr;
	unsigned long const value = _value ? strtoul(_value, &end, 0) : 0;

	return end && end != _value ? value : otherwise;
}

long Genode::Arg::long_value(long otherwise) const
{
	return static_cast<long>(ulong_value(static_cast<unsigned long>(otherwise)));
}

bool Genode::Arg::bool_value(bool otherwise) const
{
	if (!_value)
		return otherwise;
	return strncmp(_value, "yes", 3) == 0 || strncmp(_value, "true", 4) == 0 || *_value == '1';
}
