/* SPDX-License-Identifier: MIT */
#include <base/log.h>

#include <hwb/broker.h>
#include <hwb/devices.h>
#include <hwb/events.h>

using namespace Genode;
using namespace Core::Hwb;


Devices &Core::Hwb::devices()
{
	static Devices devices { };
	return devices;
}


static bool same(hwb_pci_address const &a, hwb_pci_address const &b)
{
	return a.domain == b.domain && a.bus == b.bus
	    && a.device == b.device && a.function == b.function;
}


/* One of ours that is in the list, or nullptr. */
static hwb_device const *listed_as(hwb_device const *list, unsigned count,
                                   hwb_pci_address const &address)
{
	for (unsigned i = 0; i < count; i++)
		if (same(list[i].address, address))
			return &list[i];
	return nullptr;
}


Device *Devices::_known(hwb_pci_address const &address)
{
	unsigned const count = __atomic_load_n(&_count, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < count; i++)
		if (same(_devices[i].facts().address, address))
			return &_devices[i];
	return nullptr;
}


void Devices::_add(hwb_device const &facts)
{
	if (_known(facts.address))
		return;

	if (_count == MAX) {
		warning("hwbroker: more than ", unsigned(MAX), " devices; the others are left out");
		return;
	}
	_devices[_count].facts(facts);
	_devices[_count].granted(true);
	__atomic_store_n(&_count, _count + 1, __ATOMIC_RELEASE);
}


void Devices::update()
{
	static hwb_device listed[MAX] { };
	static hwb_error  error       { };

	/* the start lists them while the thread of events may do so already */
	Mutex::Guard one_at_a_time { _updating };

	_list = { };
	unsigned count = 0;
	int result = 0;
	while (count < MAX && (result = hwb_device_list(&broker().client(), &_list, listed + count,
	                                                MAX - count, &error)) > 0)
		count += unsigned(result);

	if (!broker().complain("list of devices", result, error))
		return;

	/* whoever looks after drivers sees in time that one has to go */
	unsigned kept = 0;
	for (unsigned i = 0; i < count; i++) {
		Device * const device = _known(listed[i].address);
		if (!device || !device->asked_back(listed[i]))
			listed[kept++] = listed[i];
	}
	count = kept;

	/* others look at them meanwhile: only what differs is changed */
	for (unsigned i = 0; i < _count; i++) {
		Device &device = _devices[i];

		hwb_device const * const facts = listed_as(listed, count, device.facts().address);
		if (facts && memcmp(facts, &device.facts(), sizeof(*facts)) != 0)
			device.facts(*facts);
		if (device.granted() != !!facts)
			device.granted(!!facts);
	}
	for (unsigned i = 0; i < count; i++) {
		_add(listed[i]);
		if (listed[i].flags & HWB_DEVICE_DMA_UNSAFE)
			__atomic_store_n(&_without_iommu, true, __ATOMIC_RELEASE);
	}
	{
		Mutex::Guard guard { _mutex };
		memcpy(_listed, listed, count * sizeof(*listed));
		_listed_count = count;
	}
	_changes.signal();
}


void Devices::print()
{
	unsigned granted = 0;

	for (unsigned i = 0; i < _count; i++)
		if (_devices[i].granted()) {
			granted++;
			log("hwbroker:   ", _devices[i]);
		}
	log("hwbroker: ", granted, granted == 1 ? " device" : " devices");
}


void Devices::changed(hwb_device_event const &event)
{
	char const *what = event.change == HWB_CHANGE_REMOVED     ? "was removed"
	                 : event.change == HWB_CHANGE_ASKED_BACK  ? "is asked back"
	                 : event.change == HWB_CHANGE_REVOKED     ? "was taken back"
	                 : event.change == HWB_CHANGE_QUARANTINED ? "could not be reset, nobody gets it"
	                 : nullptr;

	Device * const device = _known(event.address);

	if (what && device)
		warning("hwbroker: ", *device, " ", what);

	/* once it is free, it is still listed until it has left the bus */
	bool const asked_back = event.change == HWB_CHANGE_ASKED_BACK;
	if (device)
		device->asked_back(asked_back);

	if (device && (event.change == HWB_CHANGE_FREED || event.change == HWB_CHANGE_QUARANTINED ||
	               event.change == HWB_CHANGE_REMOVED)) {
		device->closed();
		if (without_iommu())
			events().work();
	}

	if (asked_back || event.change == HWB_CHANGE_ARRIVED || event.change == HWB_CHANGE_REMOVED)
		events().list_devices();
}


/* What is not given any more is not in the list either; the rest may be used again. */
void Devices::policy_changed()
{
	unsigned const count = __atomic_load_n(&_count, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < count; i++)
		_devices[i].asked_back(false);

	events().list_devices();
}


void Devices::settle()
{
	for (unsigned i = 0; i < __atomic_load_n(&_count, __ATOMIC_ACQUIRE); i++)
		if (_devices[i].unsettled())
			_devices[i].settle();
}


void Devices::domain_closed(uint32_t domain)
{
	for (unsigned i = 0; i < _count; i++)
		_devices[i].domain_closed(domain);
}


bool Devices::closing()
{
	unsigned const count = __atomic_load_n(&_count, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < count; i++)
		if (_devices[i].closing())
			return true;
	return false;
}


Device *Devices::by_config(addr_t page)
{
	return _find([&] (Device const &d) { return d.config_address() == page; });
}


Device *Devices::by_page(addr_t page)
{
	return _find([&] (Device const &d) { return d.bar_of_page(page) >= 0; });
}


Device *Devices::by_port(unsigned first, unsigned count)
{
	return _find([&] (Device const &d) { return d.bar_of_port(first, count) >= 0; });
}


Device *Devices::_vga()
{
	enum { CLASS_VGA = 0x0300 };

	return _find([&] (Device const &d) { return d.facts().class_code >> 8 == CLASS_VGA; });
}


/* The window, and where the firmware puts the video BIOS. */
Device *Devices::vga_by_page(addr_t page)
{
	return page >= 0xa0000 && page < 0xd0000 ? _vga() : nullptr;
}


Device *Devices::vga_by_port(unsigned first, unsigned count)
{
	return first >= 0x3b0 && first + count <= 0x3e0 ? _vga() : nullptr;
}


Device *Devices::by_irq(uint32_t number)
{
	hwb_pci_address address { };
	{
		Mutex::Guard guard { _mutex };

		int const index = hwb_genode_irq_device(_listed, _listed_count, number);
		if (index < 0)
			return nullptr;
		address = _listed[index].address;
	}
	return _find([&] (Device const &d) { return same(d.facts().address, address); });
}
