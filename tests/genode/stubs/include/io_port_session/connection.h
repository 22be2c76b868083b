/* SPDX-License-Identifier: MIT */
/* Stands for Genode's io_port_session/connection.h: a session of the service IO_PORT. */
#ifndef GENODE_STUB_IO_PORT_SESSION_CONNECTION_H
#define GENODE_STUB_IO_PORT_SESSION_CONNECTION_H

#include <base/env.h>
#include <io_port_session/io_port_session.h>

namespace Genode
{

struct Io_port_connection : Io_port_session {
	Io_port_connection(Env &, unsigned base, unsigned size);

	unsigned char inb(unsigned short) override;
	unsigned short inw(unsigned short) override;
	unsigned inl(unsigned short) override;

	void outb(unsigned short, unsigned char) override;
	void outw(unsigned short, unsigned short) override;
	void outl(unsigned short, unsigned) override;
};

} // namespace Genode

#endif
