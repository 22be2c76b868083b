/* SPDX-License-Identifier: MIT */
#include <base/log.h>

#include <hwb/broker.h>
#include <hwb/bus_memory.h>
#include <hwb/devices.h>
#include <hwb/events.h>
#include <hwb/host.h>

using namespace Genode;
using namespace Core::Hwb;


Events &Core::Hwb::events()
{
	static Events events { };
	return events;
}


struct Events::Loop : Thread
{
	Events &_events;

	Loop(Runtime &runtime, Events &events)
	:
		Thread(runtime, "hwbroker", Stack_size { 16*1024 }, Location { }), _events(events)
	{ }

	void entry() override { _events._run(); }
};


void Events::_interrupt(unsigned id)
{
	Signal_context_capability sigh { };
	uint64_t count = 0;
	{
		Mutex::Guard guard { _mutex };

		/* removed since epoll told of it: -1, or another one's, which has nothing */
		Source &source = _sources[id];
		if (source.fd >= 0)
			count = Host::take_count(source.fd);
		sigh = source.sigh;
	}
	if (count && sigh.valid())
		Signal_transmitter(sigh).submit(unsigned(min(count, uint64_t(~0U))));
}


bool Events::_broker()
{
	bool any = false;
	int  result;
	while ((result = hwb_receive_ready(&broker().client())) > 0)
		any = true;

	if (result < 0) {
		Host::epoll_remove(_epoll, _socket);
		_socket = -1;
		broker().lost(result);
	}
	return any;
}


void Events::_do_work()
{
	Host::take_count(_work);

	devices().settle();
	bus_memory().flush();

	if (__atomic_exchange_n(&_relist, false, __ATOMIC_ACQUIRE)) {
		log("hwbroker: the devices have changed");
		devices().update();
		devices().print();
	}
}


void Events::work() { Host::signal(_work); }


void Events::list_devices()
{
	__atomic_store_n(&_relist, true, __ATOMIC_RELEASE);
	work();
}


void Events::_run()
{
	enum { AT_ONCE = 16 };

	bool watched = true;
	for (;;) {
		Host::Event ready[AT_ONCE];

		unsigned const count = Host::epoll_wait(_epoll, ready, AT_ONCE,
		                                        watched ? -1 : UNWATCHED_MS);
		bool leave_alone = false;
		for (unsigned i = 0; i < count; i++) {
			if (ready[i].id == BROKER) {
				leave_alone = !_broker();
				watched = _socket < 0;
			}
			else if (ready[i].id == WORK)
				_do_work();
			else if (ready[i].id < MAX_INTERRUPTS)
				_interrupt(ready[i].id);
		}
		if (!watched && !leave_alone)
			watched = Host::epoll_again(_epoll, _socket, BROKER);
	}
}


bool Events::start(Runtime &runtime, int socket)
{
	_socket = socket;
	_epoll  = Host::epoll_create();
	_work   = Host::counter();

	if (_epoll < 0 || (_socket >= 0 && !Host::epoll_add_once(_epoll, _socket, BROKER))
	               || !Host::epoll_add(_epoll, _work, WORK))
		return false;

	static Loop loop { runtime, *this };
	return loop.start() == Thread::Start_result::OK;
}


unsigned Events::add(int fd, Signal_context_capability sigh)
{
	Mutex::Guard guard { _mutex };

	for (unsigned id = 0; id < MAX_INTERRUPTS; id++) {

		if (_sources[id].fd >= 0)
			continue;

		_sources[id].fd   = fd;
		_sources[id].sigh = sigh;

		if (Host::epoll_add(_epoll, fd, id))
			return id;

		_sources[id].fd   = -1;
		_sources[id].sigh = { };
		return NONE;
	}
	return NONE;
}


void Events::sigh(unsigned id, Signal_context_capability sigh)
{
	Mutex::Guard guard { _mutex };

	if (id < MAX_INTERRUPTS)
		_sources[id].sigh = sigh;
}


void Events::remove(unsigned id)
{
	Mutex::Guard guard { _mutex };

	if (id >= MAX_INTERRUPTS)
		return;

	Host::epoll_remove(_epoll, _sources[id].fd);
	_sources[id].fd   = -1;
	_sources[id].sigh = { };
}
