#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whether overlay.sh and behaviour.sh can fail: they get copies of the overlay, each with one
# mistake, and must refuse all of them, for the reason that is meant. One line each, `ok ...'
# or `not ok ...'.
# shellcheck disable=SC2016 # what is quoted is for sed and make
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# The overlay's makefile looks for the client library beside it.
mkdir "$work/top"
cp -r "$top/genode-client" "$top/protocol" "$work/top"
copy=$work/top/genode-client/genode

# try WHAT WORDS FILE COMMAND...: with the change of FILE that sed is told on standard input,
# COMMAND must fail, and say WORDS in a line that is no `ok ...'.
try() {
	local what=$1 words=$2 file=$copy/$3 result=
	shift 3
	cp "$file" "$work/kept"
	sed -i -E -f - "$file"
	if cmp -s "$work/kept" "$file"
	then
		result="there is no such place in the overlay any more"
	elif "$@" > "$work/log"
	then
		result="nobody noticed"
	elif ! sed '/^ok/d' "$work/log" | grep -qE -- "$words"
	then
		result="it says something else"
		sed '/^ok/d; s/^/    /' "$work/log" | head -n 20
	fi
	cp "$work/kept" "$file"
	[ -z "$result" ] || failed=1
	echo "${result:+not }ok noticed: $what${result:+: $result}"
}

# mistake WHAT WORDS FILE SED: WORDS are what the compiler, linker or make then says.
mistake() {
	try "$1" "$2" "$3" env OVERLAY_COMPILERS=g++ "$here/overlay.sh" "$copy" <<< "$4"
}

# misbehaves WHAT TEST FILE SED: TEST is which one fails then.
misbehaves() {
	try "$1" "^not ok [a-z,]+: $2$" "$3" env OVERLAY_SANITIZERS=address,undefined \
		"$here/behaviour.sh" "$2" "$copy" <<< "$4"
}

core=src/core/include
mistake "an override is not said" 'suggest-override' \
	$core/irq_session_component.h 's/void ack_irq\(\) override/void ack_irq()/'
mistake "a function that overrides nothing" 'marked .override., but does not override' \
	$core/io_mem_session_component.h 's/dataspace\(\) override/dataspace() const override/'
mistake "a virtual function is missing" 'abstract|pure within' \
	$core/region_map_component.h '/Fault fault\(\) override/d'
mistake "another type of a port" 'conflicting return type|does not override' \
	$core/io_port_session_component.h 's/unsigned( +)inl\(/unsigned long\1inl(/'
mistake "main constructs IO_MEM's root otherwise" 'no matching function' \
	$core/io_mem_root.h 's/Range_allocator &, Range_allocator &,/Range_allocator \&,/'
mistake "main constructs IRQ's root otherwise" 'no matching function' \
	$core/irq_root.h 's/Irq_root\(Runtime &runtime, Range_allocator &,/Irq_root(Runtime \&runtime,/'
mistake "the error of another service" 'could not convert|no match|cannot convert' \
	$core/irq_root.h 's/Create_error::DENIED/Pd_session::Attach_dma_error::DENIED/'
mistake "a domain's error in the driver is core's" 'could not convert|cannot convert|no matching' \
	src/driver/hwb_platform/kernel_io_mmu.cc 's/Result \{ return Error::DENIED/Result { return Pd_session::Attach_dma_error::DENIED/'
mistake "an RPC that there is not" 'Rpc_detached' \
	include/hwb/address_space.h 's/call<Rpc_detach>/call<Rpc_detached>/'
mistake "an RPC of another interface" 'not of this interface' \
	include/hwb/device_client.h 's/call<Rpc_irq>\(id\)/call<Genode::Irq_session::Rpc_info>()/'
mistake "a result that is dropped" 'nodiscard' \
	src/core/hwb/hwb_domain.cc 's/^bool Domain::_open\(\)$/static Genode::Pd_session::Attach_dma_result hwb_any() { return Genode::Ok(); }\nvoid hwb_other(); void hwb_other() { hwb_any(); }\n&/; s/#include <hwb\/domain.h>/&\n#include <pd_session\/pd_session.h>/'
mistake "a conversion that loses bits" 'conversion' \
	src/core/hwb/hwb_host.cc 's/return int\(lx_syscall\(SYS_fcntl, fd, DUPFD_CLOEXEC, 0\)\)/return lx_syscall(SYS_fcntl, fd, DUPFD_CLOEXEC, 0)/'
mistake "a member without a value" 'effc\+\+' \
	$core/hwb/errands.h 's/Genode::Mutex _mutex +\{ \};/Genode::Mutex _mutex { }; int _never;\n\n\tpublic: Errands() { } private:/'
mistake "a function that is defined nowhere" 'undefined, and not provided.*Devices::print' \
	src/core/hwb/hwb_devices.cc '/^void Devices::print\(\)/,/^}/d'
mistake "a function that core calls is gone" 'undefined, and not provided.*init_system_control|assign_pci' \
	src/core/pd_session_support.cc '/^bool Pd_session_component::assign_pci/,/^}/d'
mistake "a call of the C library" 'undefined, and not provided by Genode: getpid' \
	src/core/hwb/hwb_host.cc 's/^int Host::dup\(int fd\)/int hwb_pid(); int hwb_pid() { return ::getpid(); }\n&/'
mistake "makefile: a source of ours is left out" 'undefined, and not provided|no makefile leads to' \
	lib/mk/core-linux.mk 's/hwb_errands\.cc//'
mistake "makefile: a source of Genode's is not replaced" 'no makefile leads to src/core/irq_session_component.cc' \
	lib/mk/core-linux.mk '/^vpath irq_session_component.cc/d'
mistake "makefile: a source that there is not" 'No rule to make target .hwb_nothing.cc' \
	lib/mk/core-linux.mk 's/hwb_errands\.cc/hwb_errands.cc hwb_nothing.cc/'
mistake "makefile: what was added before Genode's list" 'undefined, and not provided|no makefile leads to' \
	lib/mk/core-linux.mk '/^include/d; $a include $(LX_REP)/lib/mk/spec/x86/core-linux.mk'
mistake "makefile: our headers come last" '^not ok' \
	lib/mk/core-linux.mk 's/^INC_DIR \+= /INC_DIR += $(LX_REP)\/..\/core /; s/\$\(HWB_DIR\)\/src\/core\/include//'
mistake "makefile: INC_DIR is assigned" 'assigns INC_DIR' \
	lib/mk/core-linux.mk 's/^INC_DIR \+=/INC_DIR :=/'
mistake "makefile: a program without a name" 'has no TARGET' \
	src/test/hwb_ports/target.mk '/^TARGET/d'

misbehaves "any component is the system's manager" "other PDs are none" \
	src/core/pd_session_support.cc 's/_managing_system == Managing_system::PERMITTED && //'
misbehaves "a device may only read" "a device PD is a domain" \
	src/core/hwb/hwb_domain.cc 's/ \| HWB_DMA_DEVICE_WRITES//'
misbehaves "a domain gives back what it has not" "a domain that the broker refuses" \
	src/core/hwb/hwb_device.cc 's/!domain \|\| //'
misbehaves "RAM is not sealed" "RAM can be mapped for DMA" \
	src/core/hwb/hwb_host.cc 's/SEAL_SHRINK \| //'
misbehaves "a pin is not unmasked" "an interrupt by number" \
	src/core/irq_session_component.cc 's/_interrupt\.unmask >= 0/_interrupt.unmask < 0/'
misbehaves "a port beside the session's" "ports out of range" \
	src/core/io_port_session_support.cc 's/port \+ width > /port > /'
misbehaves "only the first port is looked for" "lists of native ports" \
	src/core/hwb/hwb_native_ports.cc 's/port < base \+ count/port < base + !!count/'
misbehaves "a native port of a device that core has not" "native ports of a device" \
	src/core/io_port_session_component.cc 's/ && \(_held \|\| !_ports\.device\)//'
misbehaves "the broker is not listened to again" "the list of devices changes" \
	src/core/hwb/hwb_events.cc 's/watched = Host::epoll_again\(.*\)/watched = true/'
misbehaves "a device PD stays for ever" "a DMA domain of the platform driver" \
	src/driver/hwb_platform/kernel_io_mmu.cc 's/--_users == 0/--_users > 99/'
misbehaves "a device PD is asked for, whatever is left" "a platform driver that has little left" \
	src/driver/hwb_platform/kernel_io_mmu.cc 's/ && _enough_caps\(\) && _enough_ram\(\)//'
misbehaves "each session leaves something" "a DMA domain of a session that ends" \
	src/driver/hwb_platform/kernel_io_mmu.cc 's/may_be_of\(&session\)/may_be_of(nullptr)/'
misbehaves "all devices have one entrypoint" "a device's registers do not wait for another's" \
	src/core/include/io_mem_root.h 's/FOR_DEVICES = 16/FOR_DEVICES = 1/'
misbehaves "a session is served after its end" "a device's registers do not wait for another's" \
	src/core/include/io_mem_root.h '/dissolve\(&session\)/d'
misbehaves "registers are open until the session has gone" \
	"registers are closed before they are given back" \
	src/core/io_mem_session_component.cc '/_ds\.destruct/d'
exit $failed
