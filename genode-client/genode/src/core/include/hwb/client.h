/* SPDX-License-Identifier: MIT */
/*
 * The client library. Genode's system-call header includes Linux' headers with
 * `size_t` defined away, so that stddef.h takes it for defined ever after.
 */
#ifndef _CORE__INCLUDE__HWB__CLIENT_H_
#define _CORE__INCLUDE__HWB__CLIENT_H_

typedef __SIZE_TYPE__ size_t;

#include <hwbroker/client.h>
#include <hwbroker/codec.h>
#include <hwbroker/genode.h>

#endif
