# SPDX-License-Identifier: MIT
#
# Genode's core for Linux with hwbrokerd's devices. It takes the place of
# base-linux's library of the same name, since this repository comes first in
# REPOSITORIES, and builds all of that but for the files named here.
#
# LIB_MK is set in both of make's passes; REP_DIR is put back to base-linux, so
# that its own description finds its files.

HWB_DIR    := $(patsubst %/lib/mk/core-linux.mk,%,$(LIB_MK))
HWB_CLIENT := $(HWB_DIR)/..
HWB_WIRE   := $(HWB_DIR)/../../protocol
LX_REP     := $(firstword $(foreach R,$(REPOSITORIES),$(if $(wildcard $(R)/lib/mk/core-linux.inc),$(R))))

# The first match wins, of headers as of sources.
INC_DIR += $(HWB_DIR)/src/core/include $(HWB_CLIENT)/include $(HWB_WIRE)/include

vpath io_mem_session_component.cc  $(HWB_DIR)/src/core
vpath io_port_session_component.cc $(HWB_DIR)/src/core
vpath io_port_session_support.cc   $(HWB_DIR)/src/core
vpath irq_session_component.cc     $(HWB_DIR)/src/core
vpath pd_session_support.cc        $(HWB_DIR)/src/core
vpath platform_services.cc         $(HWB_DIR)/src/core
vpath ram_dataspace_support.cc     $(HWB_DIR)/src/core

# Genode has ports on x86 only; ours are refused elsewhere, by the broker.
override REP_DIR := $(LX_REP)
ifneq ($(filter x86,$(SPECS)),)
include $(LX_REP)/lib/mk/spec/x86/core-linux.mk
else
include $(LX_REP)/lib/mk/core-linux.inc
SRC_CC += io_port_session_component.cc io_port_session_support.cc
endif

# The DMA address of RAM is ours to tell: what Genode's function of the name tells is not called.
CC_OPT_pd_session_component  += -Ddataspace_dma_addr=dataspace_bus_addr
CC_OPT_ram_dataspace_support += -Ddataspace_dma_addr=dataspace_bus_addr

# Ours alone: the glue in C++, and the client library as it is.
SRC_CC += hwb_broker.cc hwb_bus_memory.cc hwb_device.cc hwb_device_list.cc hwb_devices.cc hwb_domain.cc \
          hwb_errands.cc hwb_events.cc hwb_host.cc hwb_interrupt.cc hwb_legacy_line.cc \
          hwb_legacy_memory.cc hwb_native_ports.cc hwb_transport.cc
SRC_C  += client.c requests.c codec.c device.c rom.c shadow.c

vpath hwb_%.cc   $(HWB_DIR)/src/core/hwb
vpath client.c   $(HWB_CLIENT)/core
vpath requests.c $(HWB_CLIENT)/core
vpath codec.c    $(HWB_WIRE)
vpath device.c   $(HWB_CLIENT)/genode-rom
vpath rom.c      $(HWB_CLIENT)/genode-rom
vpath shadow.c   $(HWB_CLIENT)/genode-rom
