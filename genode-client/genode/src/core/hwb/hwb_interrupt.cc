/* SPDX-License-Identifier: MIT */
/* A device as a source of interrupts. */
#include <hwb/broker.h>
#include <hwb/device.h>

using namespace Genode;
using namespace Core::Hwb;


bool Device::open_interrupt(Interrupt_user &user, bool message)
{
	bool acquire = false;
	{
		Monitor::Guard guard { _monitor };

		if (_irq_user)
			return false;

		_irq_user    = &user;
		_irq_message = message;
		_irq         = Irq::WANTED;
		_users++;

		if (_state == State::CLOSED) {
			_state  = State::ACQUIRING;
			acquire = true;
		}
	}
	if (acquire)
		_acquire(0);

	_open_interrupt_if_wanted();
	return true;
}


void Device::_open_interrupt_if_wanted()
{
	uint32_t handle  = 0;
	bool     message = false;
	{
		Monitor::Guard guard { _monitor };

		/* the one before may be on its way out */
		if (_irq != Irq::WANTED || _irq_closing || _state != State::OPEN)
			return;

		_irq    = Irq::OPENING;
		handle  = _handle;
		message = _irq_message;
	}
	uint32_t const type = hwb_genode_irq_type(&_facts);

	hwb_irq_request request { };
	request.type  = !message ? HWB_IRQ_INTX : type == HWB_IRQ_MSIX ? HWB_IRQ_MSIX : HWB_IRQ_MSI;
	request.count = 1;
	request.flags = HWB_IRQ_OPEN_ENABLE;

	_irq_call  = { };
	_irq_error = { };

	_irq_call.reply        = &_irq_reply;
	_irq_call.reply_size   = sizeof(_irq_reply);
	_irq_call.fds          = _irq_fds;
	_irq_call.fds_max      = HWB_FDS_MAX;
	_irq_call.error        = &_irq_error;
	_irq_call.on_done      = _irq_opened;
	_irq_call.done_context = this;

	int const result = hwb_begin(&broker().client(), &_irq_call, HWB_IRQ_OPEN, handle,
	                             &request, sizeof(request), -1);
	if (result != 0)
		_interrupt_answered(result);
}


void Device::_irq_opened(void *device, hwb_call *call)
{
	static_cast<Device *>(device)->_interrupt_answered(call->result);
}


void Device::_interrupt_answered(int result)
{
	/* gone: its user has given the device back meanwhile, or was told of a worse thing */
	bool const open = result >= 0;
	if (hwb_refusal_of(result) != HWB_GONE)
		broker().complain("interrupt", result, _irq_error);

	/* close_interrupt() waits until the user knows */
	if (open)
		_irq_user->interrupt_opened({ _irq_call.fd_count > 0 ? _irq_fds[0] : -1,
		                              _irq_call.fd_count > 1 ? _irq_fds[1] : -1 });
	{
		Monitor::Guard guard { _monitor };

		if (open) {
			_irq = Irq::OPEN;
		} else {
			_irq      = Irq::NONE;
			_irq_user = nullptr;
			_users--;
		}
		_monitor.wake_all();
	}
	if (!open)
		_settle_later();
}


void Device::_irq_closed(void *context)
{
	Device &device = *static_cast<Device *>(context);
	{
		Monitor::Guard guard { device._monitor };

		device._irq_closing = false;
	}
	device._settle_later();
}


void Device::close_interrupt(Interrupt_user &user)
{
	uint32_t handle = 0;
	{
		Monitor::Guard guard { _monitor };

		while (_irq_user == &user && _irq == Irq::OPENING)
			_monitor.wait();

		if (_irq_user != &user)
			return;

		if (_irq == Irq::OPEN) {
			handle       = _irq_reply.session;
			_irq_closing = true;
		}
		_irq      = Irq::NONE;
		_irq_user = nullptr;
	}
	if (handle)
		broker().errands().send("close of an interrupt", HWB_CLOSE, handle, nullptr, 0,
		                        _irq_closed, this);
	let_go();
}
