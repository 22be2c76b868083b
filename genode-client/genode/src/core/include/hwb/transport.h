/* SPDX-License-Identifier: MIT */
/*
 * Packets and descriptors to and from the broker, by core's own system calls.
 */
#ifndef _CORE__INCLUDE__HWB__TRANSPORT_H_
#define _CORE__INCLUDE__HWB__TRANSPORT_H_

#include <hwb/client.h>

namespace Core::Hwb {

	/* over this socket, whose number must stay where it is */
	hwb_transport transport(int &socket);
}

#endif
