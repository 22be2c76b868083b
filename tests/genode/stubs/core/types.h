/* SPDX-License-Identifier: MIT */
/* Stands for Genode's types.h: what all of core knows. */
#ifndef GENODE_STUB_TYPES_H
#define GENODE_STUB_TYPES_H

#include <base/local.h>
#include <base/log.h>
#include <util/interface.h>
#include <util/noncopyable.h>
#include <util/reconstructible.h>

namespace Core
{

using namespace Genode;

using Local_rm = Local::Constrained_region_map;

} // namespace Core

#endif
