/* SPDX-License-Identifier: MIT */
/* Stands for Genode's block/request.h: what can be done with blocks. */
#ifndef GENODE_STUB_BLOCK_REQUEST_H
#define GENODE_STUB_BLOCK_REQUEST_H

#include <base/stdint.h>

namespace Block
{

using off_t = Genode::off_t;
using block_number_t = Genode::uint64_t;
using block_count_t = Genode::size_t;

struct Operation {
	enum class Type { INVALID = 0, READ = 1, WRITE = 2, SYNC = 3, TRIM = 4 };

	Type type;
	block_number_t block_number;
	block_count_t count;
};

} // namespace Block

#endif
