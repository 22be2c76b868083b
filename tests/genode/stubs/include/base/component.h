/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/component.h: where a program starts. */
#ifndef GENODE_STUB_BASE_COMPONENT_H
#define GENODE_STUB_BASE_COMPONENT_H

#include <base/env.h>
#include <base/stdint.h>

namespace Component
{
void construct(Genode::Env &);
}

#endif
