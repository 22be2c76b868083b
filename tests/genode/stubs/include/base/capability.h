/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/capability.h: a reference to an object elsewhere. */
#ifndef GENODE_STUB_BASE_CAPABILITY_H
#define GENODE_STUB_BASE_CAPABILITY_H

#include <base/output.h>
#include <base/rpc.h>
#include <base/stdint.h>

namespace Genode
{

class Native_capability;
using Untyped_capability = Native_capability;

template <typename> class Capability;

/* only to what the interface is, as static_cast has it */
template <typename TO, typename FROM> Capability<TO> static_cap_cast(Capability<FROM>);
template <typename TO> Capability<TO> reinterpret_cap_cast(Untyped_capability const &);

} // namespace Genode

class Genode::Native_capability
{
      public:
	class Data;

      private:
	Data *_data = nullptr;

      public:
	Native_capability();
	Native_capability(Data *);
	Native_capability(Native_capability const &);
	Native_capability &operator=(Native_capability const &);
	~Native_capability();

	Data *stub_data() const
	{
		return _data;
	}

	bool valid() const;
	long local_name() const;
	void print(Output &) const;

	bool operator==(Native_capability const &other) const
	{
		return _data == other._data;
	}
};

template <typename INTERFACE> class Genode::Capability : public Untyped_capability
{
	/* of an interface that this one is a base of */
	template <typename FROM>
	static Untyped_capability const &_compatible(Capability<FROM> const &cap)
	{
		FROM *const from = nullptr;
		INTERFACE *const to = from;
		(void)to;
		return cap;
	}

      public:
	Capability()
	{
	}

	template <typename FROM>
	Capability(Capability<FROM> const &cap) : Untyped_capability(_compatible(cap))
	{
	}
};

template <typename TO>
Genode::Capability<TO> Genode::reinterpret_cap_cast(Untyped_capability const &cap)
{
	Capability<TO> typed{};
	static_cast<Untyped_capability &>(typed) = cap;
	return typed;
}

template <typename TO, typename FROM>
Genode::Capability<TO> Genode::static_cap_cast(Capability<FROM> cap)
{
	(void)static_cast<TO *>(static_cast<FROM *>(nullptr));
	return reinterpret_cap_cast<TO>(cap);
}

#endif
