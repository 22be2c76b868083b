/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/output.h: text from values. */
#ifndef GENODE_STUB_BASE_OUTPUT_H
#define GENODE_STUB_BASE_OUTPUT_H

#include <base/error.h>
#include <base/stdint.h>
#include <util/interface.h>

namespace Genode
{

struct Output;

void print(Output &, char const *);
void print(Output &, char *) = delete; /* said to be constant, or it is no text */
void print(Output &, void const *);
void print(Output &, unsigned long);
void print(Output &, unsigned long long);
void print(Output &, long);
void print(Output &, long long);
void print(Output &, Alloc_error);

inline void print(Output &out, unsigned char value)
{
	print(out, static_cast<unsigned long>(value));
}
inline void print(Output &out, unsigned short value)
{
	print(out, static_cast<unsigned long>(value));
}
inline void print(Output &out, unsigned int value)
{
	print(out, static_cast<unsigned long>(value));
}
inline void print(Output &out, short value)
{
	print(out, static_cast<long>(value));
}
inline void print(Output &out, int value)
{
	print(out, static_cast<long>(value));
}
inline void print(Output &out, bool value)
{
	print(out, static_cast<long>(value));
}

class Hex
{
	unsigned long long _value;

      public:
	explicit Hex(auto value) : _value(static_cast<unsigned long long>(value))
	{
	}

	void print(Output &) const;
};

inline void print(Output &out, auto const &object)
{
	object.print(out);
}

inline void print(Output &out, auto const &head, auto const &...tail) requires(sizeof...(tail) > 0)
{
	print(out, head);
	print(out, tail...);
}

} // namespace Genode

struct Genode::Output : Interface {
	virtual void out_char(char) = 0;
	virtual void out_string(char const *, size_t max = ~0UL);
};

#endif
