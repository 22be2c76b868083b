/* SPDX-License-Identifier: MIT */
#include <base/log.h>

#include <hwb/broker.h>
#include <hwb/host.h>
#include <hwb/legacy_line.h>

using namespace Genode;
using namespace Core::Hwb;


Legacy_line *Core::Hwb::legacy_line(unsigned number)
{
	static Legacy_line lines[Legacy_line::COUNT] { };

	if (number >= Legacy_line::COUNT)
		return nullptr;

	lines[number]._number = number;
	return &lines[number];
}


Legacy_line::Place *Legacy_line::_place_of(Interrupt_user const *user)
{
	for (Place &place : _places)
		if (place.user == user)
			return &place;

	return nullptr;
}


bool Legacy_line::open_interrupt(Interrupt_user &user, bool)
{
	Place *place;
	{
		Monitor::Guard guard { _monitor };

		place = _place_of(nullptr);
		if (!place || _place_of(&user))
			return false;

		place->line   = this;
		place->user   = &user;
		place->asking = true;
		place->handle = 0;
	}
	_begin(*place);
	return true;
}


void Legacy_line::_begin(Place &place)
{
	hwb_line_request const request { _number, 0 };

	place.call  = { };
	place.error = { };

	place.call.reply        = &place.reply;
	place.call.reply_size   = sizeof(place.reply);
	place.call.fds          = place.fds;
	place.call.fds_max      = 2;
	place.call.fds_min      = 1;
	place.call.error        = &place.error;
	place.call.on_done      = _received;
	place.call.done_context = &place;

	int const result = !broker().up() ? -1
	                 : hwb_begin(&broker().client(), &place.call, HWB_IRQ_OPEN_NUMBER, 0,
	                             &request, sizeof(request), -1);
	if (result != 0)
		_answered(place, result);
}


void Legacy_line::_received(void *context, hwb_call *call)
{
	Place &place = *static_cast<Place *>(context);

	place.line->_answered(place, call->result);
}


void Legacy_line::_answered(Place &place, int result)
{
	bool const given = result >= 0;

	Interrupt interrupt { -1, -1 };
	if (given)
		interrupt = { place.fds[0], place.call.fd_count > 1 ? place.fds[1] : -1 };
	else
		interrupt.trigger = Host::timer(1000*1000*1000 / PER_SECOND);

	hwb_error const &error = place.error;
	if (hwb_refusal_of(result) != HWB_OK)
		log("hwbroker: line ", _number, ": ", error.reason, " (",
		    hwb_status_name(error.status), "): its driver looks ",
		    unsigned(PER_SECOND), " times a second");
	else if (given && place.reply.source == HWB_LINE_UIO)
		log("hwbroker: line ", _number, ": the interrupts of a UIO device");
	else if (given)
		log("hwbroker: line ", _number, ": its driver looks ", place.reply.rate,
		    " times a second");

	/* close_interrupt() waits until the user knows */
	if (interrupt.trigger >= 0)
		place.user->interrupt_opened(interrupt);

	Monitor::Guard guard { _monitor };

	place.handle = given ? place.reply.session : 0;
	place.asking = false;
	if (interrupt.trigger < 0)
		place.user = nullptr;
	_monitor.wake_all();
}


void Legacy_line::close_interrupt(Interrupt_user &user)
{
	uint32_t handle = 0;
	{
		Monitor::Guard guard { _monitor };

		Place *place;
		while ((place = _place_of(&user)) && place->asking)
			_monitor.wait();

		if (!place)
			return;

		handle      = place->handle;
		place->user = nullptr;
	}
	if (handle)
		broker().errands().send("close of a line", HWB_CLOSE, handle, nullptr, 0);
}
