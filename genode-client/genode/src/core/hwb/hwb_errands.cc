/* SPDX-License-Identifier: MIT */
#include <hwb/broker.h>
#include <hwb/errands.h>

using namespace Genode;
using namespace Core::Hwb;


Errands::Errand *Errands::_take()
{
	Mutex::Guard guard { _mutex };

	for (Errand &errand : _errands)
		if (!errand.busy) {
			errand.busy = true;
			return &errand;
		}
	return nullptr;
}


void Errands::_put_back(Errand &errand)
{
	Mutex::Guard guard { _mutex };

	errand.busy = false;
}


void Errands::_answered(void *context, hwb_call *call)
{
	Errand &errand = *static_cast<Errand *>(context);

	void (*then)(void *)     = errand.then;
	void  *const then_context = errand.then_context;

	/* what is to be closed may have gone with its domain or device */
	if (call->opcode != HWB_CLOSE || call->result != HWB_REFUSED(HWB_NO_SESSION))
		broker().complain(errand.what, call->result, errand.error);

	broker().errands()._put_back(errand);

	if (then)
		then(then_context);
}


void Errands::send(char const *what, uint16_t opcode, uint32_t session, void const *body,
                   size_t length, void (*then)(void *), void *context)
{
	Errand *taken;

	/*
	 * All are on their way: an answer frees one, and a lost broker all. Just to
	 * receive would be to wait for ever if another thread had received them all by
	 * now; an answer of our own is sure to come.
	 */
	while (!(taken = _take()))
		hwb_ping(&broker().client(), nullptr);

	Errand &errand = *taken;

	errand.call              = { };
	errand.error             = { };
	errand.call.error        = &errand.error;
	errand.call.on_done      = _answered;
	errand.call.done_context = &errand;
	errand.what              = what;
	errand.then              = then;
	errand.then_context      = context;

	int const result = hwb_begin(&broker().client(), &errand.call, opcode, session,
	                             body, length, -1);
	if (result == 0)
		return;

	/* nothing was sent, and nobody is told but us */
	broker().complain(what, result, errand.error);
	_put_back(errand);
	if (then)
		then(context);
}
