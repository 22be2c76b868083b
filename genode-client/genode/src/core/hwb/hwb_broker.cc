/* SPDX-License-Identifier: MIT */
#include <base/log.h>

#include <hwb/broker.h>
#include <hwb/devices.h>
#include <hwb/events.h>
#include <hwb/host.h>
#include <hwb/transport.h>

using namespace Genode;
using namespace Core::Hwb;


Broker &Core::Hwb::broker()
{
	static Broker broker { };
	return broker;
}


static Monitor &monitor_of(void *context) { return *static_cast<Monitor *>(context); }

static void acquire (void *context) { monitor_of(context).acquire();  }
static void release (void *context) { monitor_of(context).release();  }
static void wait    (void *context) { monitor_of(context).wait();     }
static void wake_all(void *context) { monitor_of(context).wake_all(); }


/* In the middle of receiving: only notes what the thread of events is to do. */
static void on_event(void *, hwb_header const *header, void const *body)
{
	if (header->opcode == HWB_EVENT_POLICY)
		devices().policy_changed();

	if (header->opcode == HWB_EVENT_DEVICE)
		devices().changed(*static_cast<hwb_device_event const *>(body));
}


bool Broker::complain(char const *what, int result, hwb_error const &error) const
{
	if (result >= 0)
		return true;

	if (hwb_refusal_of(result) != HWB_OK)
		Genode::error("hwbroker: ", what, ": ", error.reason,
		              " (", hwb_status_name(error.status), ")");
	else if (_up)
		Genode::error("hwbroker: ", what, ": Linux error ", -result);

	return false;
}


void Broker::nobody_has(char const *what, char const *args) const
{
	if (_up)
		warning("hwbroker: none of the devices has these ", what, ": ", args);
}


void Broker::lost(int error)
{
	_up = false;
	Genode::error("hwbroker: the broker hung up (Linux error ", -error,
	              "): no device works any more until core is started anew");
}


void Broker::_greet()
{
	hwb_hello_reply const &hello = _client.hello;

	log("hwbroker: connected, as client \"", Cstring(hello.client, sizeof(hello.client)), "\"; ",
	    (hello.features & HWB_FEATURE_DMA)     ? "DMA" : "no DMA", ", ",
	    (hello.features & HWB_FEATURE_IO_PORT) ? "legacy ports" : "no legacy ports");
}


bool Broker::_connect()
{
	int result = Host::connect(HWB_SOCKET_PATH);
	if (result < 0) {
		warning("hwbroker: no broker at " HWB_SOCKET_PATH " (Linux error ", -result,
		        "): there are no devices");
		return false;
	}
	_socket = result;

	hwb_transport const transport = Hwb::transport(_socket);
	hwb_monitor   const monitor   = { &_monitor, acquire, release, wait, wake_all };

	static hwb_error error { };
	result = hwb_connect(&_client, &transport, &monitor, on_event, nullptr, &error);
	if (result != 0) {
		warning("hwbroker: the broker wants nothing of us: ",
		        error.reason[0] ? (char const *)error.reason : "it hung up",
		        "; there are no devices");
		Host::close(_socket);
		_socket = -1;
		return false;
	}
	_up = true;
	_greet();
	return true;
}


void Broker::connect(Runtime &runtime)
{
	bool const connected = _connect();

	/* the machine's own lines need it, too, and no broker */
	if (!events().start(runtime, _socket)) {
		_up = false;
		Genode::error("hwbroker: no thread for events; there are no devices");
		return;
	}
	if (connected) {
		devices().update();
		devices().print();
	}
}
