/* SPDX-License-Identifier: MIT */
#include <base/log.h>
#include <util/arg_string.h>

#include <hwb/broker.h>
#include <hwb/devices_rom.h>
#include <hwb/legacy_memory.h>
#include <io_mem_session_component.h>

using namespace Core;

enum { PAGE = 0x1000 };


using Piece = Io_mem_session_component::Piece;


Piece Piece::from_args(char const *args)
{
	addr_t const base = Arg_string::find_arg(args, "base").ulong_value(0);
	size_t const size = Arg_string::find_arg(args, "size").ulong_value(0);
	addr_t const page = base & ~addr_t(PAGE - 1);

	Piece piece { Kind::NONE, nullptr, page, 0, 0,
	              Arg_string::find_arg(args, "wc").bool_value(false) };

	if (size == 0 || base + size - 1 < base)
		return piece;

	piece.size = ((base + size - 1) | (PAGE - 1)) - page + 1;

	if (base == Hwb_devices_rom::ADDRESS) {
		if (size <= Hwb_devices_rom::MAX_SIZE)
			piece.kind = Kind::LIST;
		return piece;
	}

	piece.device = Hwb::devices().by_config(page);
	if (piece.device) {
		if (piece.size == PAGE)
			piece.kind = Kind::CONFIG;
		return piece;
	}

	piece.device = Hwb::devices().by_page(page);
	if (!piece.device) {
		/* whether the policy gives it is for the broker to say */
		if (Hwb::broker().up() && base < Hwb::Legacy_memory::END
		 && size <= Hwb::Legacy_memory::END - base) {
			piece.kind   = Kind::LEGACY;
			piece.device = Hwb::devices().vga_by_page(page);
		}
		return piece;
	}

	piece.bar = unsigned(piece.device->bar_of_page(page));
	hwb_bar const &bar = piece.device->facts().bars[piece.bar];

	/* Genode maps a dataspace from the descriptor's start, which is the BAR's */
	if (page != (bar.address & ~uint64_t(PAGE - 1))) {
		error("hwbroker: ", *piece.device, ": registers at ", Hex(base), " are not at the "
		      "start of BAR ", piece.bar, ", where a dataspace can begin only");
		return piece;
	}
	/* up to the end of the BAR's last page, behind which the descriptor has nothing */
	uint64_t const end = (bar.address + bar.size + PAGE - 1) & ~uint64_t(PAGE - 1);
	if (piece.size <= end - page)
		piece.kind = Kind::REGISTERS;

	return piece;
}


/* A descriptor of it, that nobody else has; -1: refused. */
int Io_mem_session_component::_open()
{
	if (_piece.kind == Piece::Kind::LIST)
		return Hwb::devices().list_as_text(_piece.size);

	if (_piece.kind == Piece::Kind::CONFIG)
		return _piece.device->config_page();

	if (!_held && _piece.device)
		_held = _piece.device->hold();

	/* who runs a card's BIOS is about to use the card: it is taken from the host before */
	if (_piece.kind == Piece::Kind::LEGACY)
		return _held || !_piece.device ? Hwb::Legacy_memory::copy(_piece.page, _piece.size) : -1;

	return _held ? _piece.device->open_bar(_piece.bar, _piece.wc, _session) : -1;
}


Io_mem_dataspace_capability Io_mem_session_component::dataspace()
{
	if (_ds_cap.valid())
		return _ds_cap;

	int const fd = _open();
	if (fd < 0)
		return { };

	_ds.construct(_piece.size, addr_t(0), _piece.page, _piece.wc ? WRITE_COMBINED : UNCACHED,
	              true, nullptr);
	_ds->fd(fd);
	_ds_cap = static_cap_cast<Io_mem_dataspace>(static_cap_cast<Dataspace>(_ep.manage(&*_ds)));
	return _ds_cap;
}


Io_mem_session_component::Io_mem_session_component(Rpc_entrypoint &ep, Piece const &piece)
:
	_ep(ep), _piece(piece)
{ }


/*
 * Our descriptor of the registers goes first: the broker keeps a device from everybody
 * as long as there is one.
 */
Io_mem_session_component::~Io_mem_session_component()
{
	if (_ds_cap.valid())
		_ep.dissolve(&*_ds);
	_ds.destruct();

	if (_session)
		Hwb::broker().errands().send("close of registers", HWB_CLOSE, _session, nullptr, 0);

	if (_held)
		_piece.device->let_go();
}
