/* SPDX-License-Identifier: MIT */
/* Stands for Genode's platform_thread.h: the kernel's threads and protection domains. */
#ifndef GENODE_STUB_PLATFORM_THREAD_H
#define GENODE_STUB_PLATFORM_THREAD_H

#include <pager.h>
#include <types.h>

namespace Core
{

class Platform_pd;

}

#endif
