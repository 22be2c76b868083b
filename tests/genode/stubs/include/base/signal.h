/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/signal.h: signals. */
#ifndef GENODE_STUB_BASE_SIGNAL_H
#define GENODE_STUB_BASE_SIGNAL_H

#include <base/capability.h>
#include <base/mutex.h>
#include <util/interface.h>
#include <util/noncopyable.h>

namespace Genode
{

class Entrypoint;
class Signal_context;
class Signal_transmitter;
template <typename T, typename EP = Entrypoint> class Signal_handler;

using Signal_context_capability = Capability<Signal_context>;

} // namespace Genode

class Genode::Signal_context : Interface, Noncopyable
{
};

class Genode::Signal_transmitter
{
	Signal_context_capability _context;

      public:
	Signal_transmitter(Signal_context_capability context = Signal_context_capability())
	    : _context(context)
	{
	}

	void submit(unsigned count = 1);
};

template <typename T, typename EP> class Genode::Signal_handler : public Signal_context
{
	Signal_context_capability _cap;
	EP &_ep;
	T &_object;
	void (T::*_member)();

	Signal_handler(Signal_handler const &);
	Signal_handler &operator=(Signal_handler const &);

      public:
	Signal_handler(EP &ep, T &object, void (T::*member)())
	    : _cap(ep.stub_manage(*this)), _ep(ep), _object(object), _member(member)
	{
	}

	~Signal_handler()
	{
		_ep.stub_dissolve(*this);
	}

	void stub_dispatch()
	{
		(_object.*_member)();
	}

	operator Capability<Signal_context>() const
	{
		return _cap;
	}
};

#endif
