/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/allocator_avl.h: an allocator of ranges. */
#ifndef GENODE_STUB_BASE_ALLOCATOR_AVL_H
#define GENODE_STUB_BASE_ALLOCATOR_AVL_H

#include <base/allocator.h>

namespace Genode
{

struct Allocator_avl : Range_allocator {
	explicit Allocator_avl(Allocator *);

	void *stub_alloc(size_t) override;
	void free(void *, size_t) override;
	size_t avail() const override;
};

} // namespace Genode

#endif
