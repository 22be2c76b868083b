/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/quota_guard.h: amounts of RAM and capabilities. */
#ifndef GENODE_STUB_BASE_QUOTA_GUARD_H
#define GENODE_STUB_BASE_QUOTA_GUARD_H

#include <base/stdint.h>

namespace Genode
{

struct Ram_quota {
	size_t value;
};

struct Cap_quota {
	size_t value;
};

template <typename> class Quota_guard;

using Ram_quota_guard = Quota_guard<Ram_quota>;
using Cap_quota_guard = Quota_guard<Cap_quota>;

} // namespace Genode

#endif
