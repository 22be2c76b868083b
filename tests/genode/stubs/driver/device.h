/* SPDX-License-Identifier: MIT */
/* Stands for Genode's device.h: the platform driver's devices. */
#ifndef GENODE_STUB_DEVICE_H
#define GENODE_STUB_DEVICE_H

#include <base/heap.h>
#include <io_mmu.h>
#include <kernel_io_mmu.h>
#include <pci/types.h>

class Driver::Device
{
      public:
	using Name = Device_name;

	struct Pci_config {
		addr_t const addr;
		Pci::bus_t const bus_num;
		Pci::dev_t const dev_num;
		Pci::func_t const func_num;
	};

      private:
	Name const _name;
	Pci_config const _config;
	bool const _pci;

      public:
	Device(Name const &name, Pci_config const &config)
	    : _name(name), _config(config), _pci(true)
	{
	}

	/* of another bus */
	explicit Device(Name const &name) : _name(name), _config{ 0, 0, 0, 0 }, _pci(false)
	{
	}

	Name name() const
	{
		return _name;
	}

	void with_pci_config(auto const &fn) const
	{
		if (_pci)
			fn(_config);
	}
};

#endif
