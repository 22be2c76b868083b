/* SPDX-License-Identifier: MIT */
#include <base/log.h>
#include <hwb/address_space.h>
#include <pd_session/connection.h>

#include <device.h>
#include <kernel_io_mmu.h>

using namespace Driver;


class Kernel_io_mmu::Device_pd
{
	public:

		Pd_connection      pd;
		Hwb::Address_space space;

		Device_pd(Env &env)
		:
			pd(env, Pd_connection::Device_pd()), space(pd.address_space())
		{
			pd.ref_account(env.pd_session_cap());
		}
};


class Kernel_io_mmu::Broker_domain : public Io_mmu::Domain
{
	private:

		/*
		 * Noncopyable
		 */
		Broker_domain(Broker_domain const &);
		Broker_domain &operator = (Broker_domain const &);

		Env                     &_env;
		void const              *_session;         /* whose it is; nullptr: nobody's */
		Constructible<Device_pd> _device_pd { };
		unsigned                 _users = 0;       /* buffers and devices */

		/*
		 * What a device PD takes is this program's own. Asking for more than there is would
		 * have it wait for its parent, and all its clients with it.
		 */
		enum { SPARE_RAM = 32*1024, SPARE_CAPS = 8 };

		bool _enough_caps() const
		{
			return _env.pd().avail_caps().value >= Pd_session::CAP_QUOTA + SPARE_CAPS;
		}

		bool _enough_ram() const
		{
			return _env.pd().avail_ram().value >= Pd_session::RAM_QUOTA + SPARE_RAM;
		}

		/* counted even if there is no device PD to be had */
		bool _use()
		{
			_users++;
			if (!_device_pd.constructed() && _enough_caps() && _enough_ram())
				_device_pd.construct(_env);

			return _device_pd.constructed();
		}

		void _unuse()
		{
			if (_users && --_users == 0)
				_device_pd.destruct();
		}

		/* core's word for giving a device back: its address plus 1 */
		enum { GIVE_BACK = 1 };

		void _with_address(Device const &device, auto const &fn)
		{
			device.with_pci_config([&] (Device::Pci_config const &cfg) {
				Pci::Bdf const bdf { cfg.bus_num, cfg.dev_num, cfg.func_num };
				fn(cfg.addr, Pci::Bdf::rid(bdf));
			});
		}

	public:

		Broker_domain * const next;

		Broker_domain(Env &env, Allocator &alloc, void const *session, Broker_domain *next)
		: Io_mmu::Domain(alloc), _env(env), _session(session), next(next) { }

		bool may_be_of(void const *session) const
		{
			return !_session || _session == session;
		}

		void restart(void const *session)
		{
			_session = session;
			_users   = 0;
			_device_pd.destruct();
		}

		Result add_range(Range const &range, addr_t const, Dataspace_capability const ds) override
		{
			/* the client's answer is a larger session, and that is more for this program */
			if (!_use())
				return _enough_caps() ? Error::OUT_OF_RAM : Error::OUT_OF_CAPS;

			return _device_pd->pd.attach_dma(ds, range.start).convert<Result>(
				[&] (Ok) -> Result { return Ok(); },
				[&] (Pd_session::Attach_dma_error) -> Result { return Error::DENIED; });
		}

		void remove_range(Range const &range) override
		{
			/* the driver removes what could not be added, too: it counts as well */
			if (_device_pd.constructed())
				_device_pd->space.detach(range.start);
			_unuse();
		}

		/* others than PCI functions have no DMA, and need no domain for it */
		void enregister(Device const &device)
		{
			_with_address(device, [&] (addr_t config, Pci::rid_t rid) {
				if (!_use())
					error("hwbroker: no DMA for ", device.name(), ": the platform driver "
					      "needs more RAM or capabilities");
				else if (!_device_pd->pd.assign_pci(config, rid))
					error("hwbroker: core has no device ", device.name());
			});
		}

		void deregister(Device const &device)
		{
			_with_address(device, [&] (addr_t config, Pci::rid_t rid) {
				if (_device_pd.constructed())
					_device_pd->pd.assign_pci(config + GIVE_BACK, rid);
				_unuse();
			});
		}
};


Kernel_io_mmu::Kernel_io_mmu(Env &env, Io_mmu_devices &devices, Device_name const &name)
:
	Io_mmu(devices, name), _env(env)
{
	log("hwbroker: DMA by the broker's domains");
}


Kernel_io_mmu::~Kernel_io_mmu()
{
	while (Broker_domain * const domain = _first) {
		_first = domain->next;
		destroy(_domains, domain);
	}
}


/*
 * Whether the platform driver is to ask core for the address of a DMA buffer, instead
 * of choosing one. Asked for once there is a device, by which core knows.
 */
bool Kernel_io_mmu::mpu() const
{
	if (_addresses == Addresses::UNKNOWN) {
		Attached_ram_dataspace const page { _env.ram(), _env.rm(), 4096 };

		bool const memory = _env.pd().dma_addr(page.cap()) != 0;

		_addresses = memory ? Addresses::MEMORY : Addresses::MAPPED;
		if (memory)
			warning("hwbroker: no IOMMU: devices reach all of memory");
	}
	return _addresses == Addresses::MEMORY;
}


/*
 * Whose quota another session's was before is gone, and has left its domain.
 */
Io_mmu::Domain &Kernel_io_mmu::create_domain(Allocator &, Ram_allocator &,
                                             Ram_quota_guard &session, Cap_quota_guard &)
{
	for (Broker_domain *domain = _first; domain; domain = domain->next)
		if (domain->may_be_of(&session)) {
			domain->restart(&session);
			return *domain;
		}

	_first = new (_domains) Broker_domain(_env, _domains, &session, _first);
	return *_first;
}


void Kernel_io_mmu::destroy_domain(Allocator &, Io_mmu::Domain &domain)
{
	static_cast<Broker_domain &>(domain).restart(nullptr);
}


/*
 * A Platform session that was opened before there was a device for it has a domain
 * that does nothing, for as long as it lives: the platform driver's, not ours.
 */
void Kernel_io_mmu::enregister(Device const &device, Io_mmu::Domain &domain)
{
	if (Broker_domain * const own = dynamic_cast<Broker_domain *>(&domain)) {
		own->enregister(device);
		return;
	}
	if (!_said)
		warning("hwbroker: ", device.name(), ": no DMA in a Platform session that is "
		        "older than its first device; open another one");
	_said = true;
}


void Kernel_io_mmu::deregister(Device const &device, Io_mmu::Domain &domain)
{
	if (Broker_domain * const own = dynamic_cast<Broker_domain *>(&domain))
		own->deregister(device);
}
