/* SPDX-License-Identifier: MIT */
/* Stands for Genode's io_port_session/io_port_session.h: ports. */
#ifndef GENODE_STUB_IO_PORT_SESSION_IO_PORT_SESSION_H
#define GENODE_STUB_IO_PORT_SESSION_IO_PORT_SESSION_H

#include <base/capability.h>
#include <session/session.h>

namespace Genode
{
struct Io_port_session;

using Io_port_session_capability = Capability<Io_port_session>;
} // namespace Genode

struct Genode::Io_port_session : Session {
	virtual ~Io_port_session()
	{
	}

	virtual unsigned char inb(unsigned short) = 0;
	virtual unsigned short inw(unsigned short) = 0;
	virtual unsigned inl(unsigned short) = 0;

	virtual void outb(unsigned short, unsigned char) = 0;
	virtual void outw(unsigned short, unsigned short) = 0;
	virtual void outl(unsigned short, unsigned) = 0;
};

#endif
