/* SPDX-License-Identifier: MIT */
/* What the kernel decides about PD sessions: assignment of devices. */
#include <hwb/runtime.h>
#include <pd_session_component.h>

using namespace Core;


bool Pd_session_component::assign_pci(addr_t config, uint16_t)
{
	return _managing_system == Managing_system::PERMITTED && _address_space.assign(config);
}


/* Nothing is mapped before it is touched on Linux, and DMA buffers are by attach_dma. */
Pd_session::Map_result Pd_session_component::map(Pd_session::Virt_range)
{
	return Map_result::OK;
}


namespace {

	struct No_system_control : Core::System_control
	{
		Capability<Pd_session::System_control>
		control_cap(Affinity::Location) const override { return { }; }
	};
}


Core::System_control &Core::init_system_control(Runtime &runtime, Allocator &, Rpc_entrypoint &)
{
	static No_system_control control { };

	Hwb::runtime_ptr() = &runtime;
	return control;
}
