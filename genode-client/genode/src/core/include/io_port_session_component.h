/* SPDX-License-Identifier: MIT */
/*
 * IO_PORT session: a range of ports, each access a request to the broker, or an
 * instruction if core was started with the ports. What is out of the range, or
 * refused, reads 0.
 */
#ifndef _CORE__INCLUDE__IO_PORT_SESSION_COMPONENT_H_
#define _CORE__INCLUDE__IO_PORT_SESSION_COMPONENT_H_

#include <base/allocator.h>
#include <base/rpc_server.h>
#include <io_port_session/io_port_session.h>

#include <hwb/devices.h>
#include <types.h>

namespace Core { class Io_port_session_component; }


class Core::Io_port_session_component : public Rpc_object<Io_port_session>
{
	public:

		struct Ports
		{
			unsigned     base;
			unsigned     size;
			Hwb::Device *device;  /* whose BAR they are in; nullptr: legacy ports */
			uint32_t     session; /* the broker's handle; 0: not open */
			bool         native;  /* instead */

			static Ports from_args(char const *args);

			bool open(); /* waits for the broker; logs a refusal */
			void close();
		};

	private:

		/*
		 * Noncopyable
		 */
		Io_port_session_component(Io_port_session_component const &);
		Io_port_session_component &operator = (Io_port_session_component const &);

		Ports _ports;
		bool  _tried = false; /* to get the device */
		bool  _held  = false;

		bool     _usable();
		uint32_t _access(uint8_t action, unsigned short port, uint8_t width, uint32_t value);

	public:

		Io_port_session_component(Ports const &ports) : _ports(ports) { }
		~Io_port_session_component();

		unsigned char  inb(unsigned short) override;
		unsigned short inw(unsigned short) override;
		unsigned       inl(unsigned short) override;

		void outb(unsigned short, unsigned char)  override;
		void outw(unsigned short, unsigned short) override;
		void outl(unsigned short, unsigned)       override;
};

#endif
