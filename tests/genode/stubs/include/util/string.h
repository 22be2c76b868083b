/* SPDX-License-Identifier: MIT */
/* Stands for Genode's util/string.h: strings, and memory by the byte. */
#ifndef GENODE_STUB_UTIL_STRING_H
#define GENODE_STUB_UTIL_STRING_H

#include <base/output.h>
#include <base/stdint.h>
#include <util/misc_math.h>
#include <util/noncopyable.h>

namespace Genode
{

size_t strlen(char const *);
int strcmp(char const *, char const *, size_t max = ~0UL);
void *memcpy(void *to, void const *from, size_t);
void *memmove(void *to, void const *from, size_t);
int memcmp(void const *, void const *, size_t);
void *memset(void *, uint8_t, size_t);
void bzero(void *, size_t);
void copy_cstring(char *to, char const *from, size_t size);

/* a digit's value, or -1; in hexadecimal of either case */
inline int digit(char c, bool hex = false)
{
	char const letter = static_cast<char>(c | 0x20);

	if (c >= '0' && c <= '9')
		return c - '0';
	return hex && letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

inline bool is_digit(char c, bool hex = false)
{
	return digit(c, hex) >= 0;
}

struct Byte_range_ptr : Noncopyable {
	char *const start;
	size_t const num_bytes;

	Byte_range_ptr(char *start, size_t num_bytes) : start(start), num_bytes(num_bytes)
	{
	}

      private:
	Byte_range_ptr(Byte_range_ptr const &);
	Byte_range_ptr &operator=(Byte_range_ptr const &);
};

class Num_bytes
{
	size_t _count;

      public:
	explicit Num_bytes(size_t count) : _count(count)
	{
	}

	operator size_t() const
	{
		return _count;
	}
};

using Number_of_bytes = Num_bytes;

class Cstring
{
	char const *const _text;
	size_t const _max;

      public:
	Cstring(char const *text, size_t max = ~0UL) : _text(text), _max(max)
	{
	}

	void print(Output &) const;
};

template <size_t CAPACITY> class String
{
	char _text[CAPACITY]{};

	struct Writer : Output {
		String &_string;
		size_t _length = 0;

		Writer(String &string) : _string(string)
		{
		}

		void out_char(char c) override
		{
			if (_length + 1 < CAPACITY)
				_string._text[_length++] = c;
		}
	};

      public:
	String()
	{
	}
	String(char const *text)
	{
		copy_cstring(_text, text, CAPACITY);
	}

	template <typename T> String(T const &head, auto &&...tail)
	{
		Writer writer{ *this };
		Genode::print(writer, head, tail...);
	}

	char const *string() const
	{
		return _text;
	}
	void print(Output &out) const
	{
		out.out_string(_text);
	}

	bool operator!=(char const *other) const
	{
		return strcmp(_text, other) != 0;
	}
	bool operator==(char const *other) const
	{
		return strcmp(_text, other) == 0;
	}
};

} // namespace Genode

#endif
