/* SPDX-License-Identifier: MIT */
#include <base/log.h>
#include <util/string.h>

#include <hwb/broker.h>
#include <hwb/device.h>
#include <hwb/events.h>
#include <hwb/host.h>

using namespace Genode;
using namespace Core::Hwb;

enum { PAGE_MASK = 0xfff, VENDOR_VIRTIO = 0x1af4 };


static bool same_kind(hwb_device const &a, hwb_device const &b)
{
	return a.vendor == b.vendor && a.device == b.device
	    && a.subsystem_vendor == b.subsystem_vendor && a.subsystem_device == b.subsystem_device
	    && a.class_code == b.class_code && a.revision == b.revision
	    && memcmp(a.bars, b.bars, sizeof(a.bars)) == 0;
}


void Device::facts(hwb_device const &facts)
{
	bool const other = !same_kind(facts, _facts);

	_facts = facts;
	if (other)
		__atomic_store_n(&_page_outdated, true, __ATOMIC_RELEASE);
}


addr_t Device::config_address() const { return hwb_genode_config_address(&_facts.address); }


int Device::bar_of_page(addr_t page) const
{
	for (unsigned i = 0; i < HWB_BARS; i++) {

		hwb_bar const &bar = _facts.bars[i];

		if (bar.size == 0 || (bar.flags & HWB_BAR_IO))
			continue;

		addr_t const first = bar.address & ~addr_t(PAGE_MASK);
		if (page >= first && page - first < bar.size + (bar.address & PAGE_MASK))
			return int(i);
	}
	return -1;
}


int Device::bar_of_port(unsigned first, unsigned count) const
{
	for (unsigned i = 0; i < HWB_BARS; i++) {

		hwb_bar const &bar = _facts.bars[i];

		if (bar.size != 0 && (bar.flags & HWB_BAR_IO)
		 && first >= bar.address && first + count <= bar.address + bar.size)
			return int(i);
	}
	return -1;
}


/*****************************
 ** Acquired, and let go of **
 *****************************/

/* Asks, with the state at ACQUIRING already; the answer comes to _answered(). */
void Device::_acquire(uint32_t domain)
{
	_call  = { };
	_error = { };

	_call.reply        = &_reply;
	_call.reply_size   = sizeof(_reply);
	_call.error        = &_error;
	_call.on_done      = _acquired;
	_call.done_context = this;

	hwb_acquire_request request { };
	request.address = _facts.address;
	request.domain  = domain;

	int const result = hwb_begin(&broker().client(), &_call, HWB_DEVICE_ACQUIRE, 0,
	                             &request, sizeof(request), -1);
	if (result != 0)
		_answered(result);
}


void Device::_acquired(void *device, hwb_call *call)
{
	static_cast<Device *>(device)->_answered(call->result);
}


void Device::_answered(int result)
{
	if (result < 0)
		log("hwbroker: ", *this, " is not to be had");
	broker().complain("device", result, _error);
	{
		Monitor::Guard guard { _monitor };

		if (result >= 0) {
			_state  = State::SETTLING;
			_handle = _call.session;
			closed(); /* who has it, finds it reset */
		} else {
			_state    = State::CLOSED;
			_assigned = 0;
			if (_wanted) {
				_wanted = 0;
				_users--;
			}
			if (_irq == Irq::WANTED) {
				_irq      = Irq::NONE;
				_irq_user = nullptr;
				_users--;
			}
			_monitor.wake_all();
		}
	}
	_settle_later();
}


void Device::_settle_later()
{
	__atomic_store_n(&_unsettled, true, __ATOMIC_RELEASE);
	events().work();
}


bool Device::unsettled()
{
	return __atomic_exchange_n(&_unsettled, false, __ATOMIC_ACQUIRE);
}


/*
 * Whoever waits for the device gets it in its domain: requests about one device are
 * carried out in order, so that it is enough to have asked.
 */
void Device::settle()
{
	uint32_t handle = 0, from = 0, to = 0;
	{
		Monitor::Guard guard { _monitor };

		if (_state == State::SETTLING) {
			handle = _handle;
			from   = _assigned;
			if (_wanted)
				_assigned = _wanted;
			to     = _assigned;
		}
	}
	if (from != to)
		_move(handle, from, to);

	bool again = false;
	{
		Monitor::Guard guard { _monitor };

		if (_state == State::SETTLING) {
			again = _wanted && _wanted != _assigned;
			if (!again) {
				_state = State::OPEN;
				_monitor.wake_all();
			}
		}
	}
	if (again)
		_settle_later();

	_open_interrupt_if_wanted();
	_close_if_unused();
}


bool Device::asked_back(hwb_device const &listed)
{
	Monitor::Guard guard { _monitor };

	bool const dma_is_over = _wanted && !(listed.flags & HWB_DEVICE_MAY_DMA);

	return __atomic_load_n(&_asked_back, __ATOMIC_ACQUIRE) && !dma_is_over;
}


void Device::granted(bool granted)
{
	{
		Monitor::Guard guard { _monitor };

		/* read without the monitor by whoever looks for a device */
		__atomic_store_n(&_granted, granted, __ATOMIC_RELEASE);
	}
	if (!granted)
		_settle_later();
}


/* Closing is answered at once; the reset that it sets off is the broker's. */
void Device::_close_if_unused()
{
	uint32_t handle = 0;
	{
		Monitor::Guard guard { _monitor };

		/* the platform driver takes none out of a domain that has left its list */
		if (!_granted && _wanted && _users == 1) {
			_wanted = 0;
			_users  = 0;
		}
		if (_users || _state != State::OPEN)
			return;

		handle    = _handle;
		__atomic_store_n(&_closing, true, __ATOMIC_RELEASE);
		_state    = State::CLOSED;
		_handle   = 0;
		_assigned = 0;
	}
	broker().errands().send("close of a device", HWB_CLOSE, handle, nullptr, 0);
}


bool Device::hold()
{
	bool acquire = false;
	{
		Monitor::Guard guard { _monitor };

		_users++;
		if (_state == State::CLOSED) {
			_state  = State::ACQUIRING;
			acquire = true;
		}
	}
	if (acquire)
		_acquire(0);

	Monitor::Guard guard { _monitor };

	while (_state == State::ACQUIRING || _state == State::SETTLING)
		_monitor.wait();

	if (_state == State::OPEN)
		return true;

	_users--;
	return false;
}


void Device::let_go()
{
	{
		Monitor::Guard guard { _monitor };
		_users--;
	}
	_close_if_unused();
}


/**************************
 ** Domain of device PDs **
 **************************/

void Device::_move(uint32_t handle, uint32_t from, uint32_t to)
{
	hwb_assign_request const request { handle, 0 };

	if (from)
		broker().errands().send("device out of a domain", HWB_DOMAIN_DEASSIGN, from,
		                        &request, sizeof(request));
	broker().errands().send("device into a domain", HWB_DOMAIN_ASSIGN, to,
	                        &request, sizeof(request));
}


void Device::assign(uint32_t domain)
{
	uint32_t handle = 0, from = 0;
	bool acquire = false, move = false;
	{
		Monitor::Guard guard { _monitor };

		if (_wanted == domain)
			return;

		if (!_wanted)
			_users++;
		_wanted = domain;

		if (_state == State::CLOSED) {
			_state    = State::ACQUIRING;
			_assigned = domain;
			acquire   = true;
		}
		if (_state == State::OPEN && _assigned != domain) {
			handle    = _handle;
			from      = _assigned;
			_assigned = domain;
			move      = true;
		}
	}
	if (acquire)
		_acquire(domain);
	if (move)
		_move(handle, from, domain);
}


/*
 * The device stays in the domain as long as others use it: its driver is about to
 * close what it has, and the reset at its end would be the second one.
 */
void Device::release(uint32_t domain)
{
	{
		Monitor::Guard guard { _monitor };

		/* a device PD without a domain gives back what it could not get */
		if (!domain || _wanted != domain)
			return;
		_wanted = 0;
		_users--;
	}
	_close_if_unused();
}


void Device::domain_closed(uint32_t domain)
{
	{
		Monitor::Guard guard { _monitor };

		if (_assigned == domain)
			_assigned = 0;
	}
	release(domain);
}


/***************
 ** Resources **
 ***************/

int Device::open_bar(unsigned bar, bool wc, uint32_t &session)
{
	hwb_bar_request request { };
	request.bar   = bar;
	request.flags = wc ? HWB_IO_MEM_WC : 0;

	hwb_region region { };
	hwb_error  error  { };
	int fd = -1;
	int const result = hwb_io_mem_open_bar(&broker().client(), _handle, &request,
	                                       &region, &fd, &error);
	if (!broker().complain("registers", result, error))
		return -1;

	session = region.session;

	/* Genode maps a dataspace from its descriptor's start */
	if (region.flags & HWB_REGION_MEDIATED)
		Genode::error("hwbroker: ", *this, ": BAR ", bar, " has no descriptor (grant = mediated), "
		              "and a dataspace needs one");
	else if (region.fd_offset >= 0x1000)
		Genode::error("hwbroker: ", *this, ": BAR ", bar, " is within VFIO's descriptor (grant = "
		              "device), and only BAR 0 is at its start");
	else
		return fd;

	if (fd >= 0)
		Host::close(fd);
	hwb_close(&broker().client(), session, nullptr);
	session = 0;
	return -1;
}


/************************************
 ** Shadow of configuration space  **
 ************************************/

/*
 * The platform driver looks at each device's page when it starts. To acquire all of
 * them for that would take them from the host. So the page is made of what the list
 * tells until the device is acquired for another reason; but where virtio has its
 * registers is only in the device.
 */
bool Device::_needs_genuine_page() const { return _facts.vendor == VENDOR_VIRTIO; }


static int read_config(void *handle, uint32_t offset, uint32_t *value)
{
	return hwb_config_read(&broker().client(), *static_cast<uint32_t *>(handle), offset, 4,
	                       value, nullptr);
}


/* Of each device one thread makes pages, which has no stack for one. */
bool Device::_write_page(bool genuine)
{
	static Mutex         mutex { };
	static unsigned char page[HWB_GENODE_CONFIG_SIZE];

	Mutex::Guard guard { mutex };

	bzero(page, sizeof(page));

	int const result = genuine ? hwb_genode_shadow_read(&_facts, read_config, &_handle, page)
	                           : hwb_genode_shadow(&_facts, page);
	if (result < 0) {
		error("hwbroker: ", *this, ": no configuration space: ", result);
		return false;
	}
	return Host::write_at(_page, page, sizeof(page), 0);
}


int Device::config_page()
{
	if (_page < 0)
		_page = Host::memory("hwbroker-config", HWB_GENODE_CONFIG_SIZE);
	if (_page < 0)
		return -1;

	if (__atomic_exchange_n(&_page_outdated, false, __ATOMIC_ACQUIRE)) {
		_page_genuine = false;
		if (!_write_page(false)) {
			__atomic_store_n(&_page_outdated, true, __ATOMIC_RELEASE);
			return -1;
		}
	}
	if (!_page_genuine) {

		bool used;
		{
			Monitor::Guard guard { _monitor };
			used = _state != State::CLOSED;
		}
		if ((used || _needs_genuine_page()) && hold()) {
			_page_genuine = _write_page(true);
			let_go();
		}
	}
	return Host::dup(_page);
}


void Device::print(Output &out) const
{
	hwb_pci_address const &a = _facts.address;

	auto hex = [&] (unsigned value, unsigned digits) {
		for (unsigned i = digits; i-- > 0; )
			out.out_char("0123456789abcdef"[value >> 4*i & 0xf]); };

	hex(a.domain, 4);   out.out_char(':');
	hex(a.bus, 2);      out.out_char(':');
	hex(a.device, 2);   out.out_char('.');
	hex(a.function, 1); out.out_char(' ');
	hex(_facts.vendor, 4); out.out_char(':');
	hex(_facts.device, 4);
	Genode::print(out, ", class ");
	hex(_facts.class_code, 6);
}
