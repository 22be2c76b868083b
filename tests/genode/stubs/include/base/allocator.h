/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/allocator.h: where memory for objects comes from. */
#ifndef GENODE_STUB_BASE_ALLOCATOR_H
#define GENODE_STUB_BASE_ALLOCATOR_H

#include <base/error.h>
#include <base/ram_allocator.h>
#include <base/stdint.h>
#include <util/interface.h>
#include <util/noncopyable.h>

namespace Genode
{

struct Allocator;
struct Range_allocator;

template <typename T> void destroy(auto &&from, T *object);

} // namespace Genode

struct Genode::Allocator : Interface, Noncopyable {
	/* nullptr: none is left */
	virtual void *stub_alloc(size_t) = 0;
	virtual void free(void *, size_t) = 0;
};

struct Genode::Range_allocator : Allocator {
	virtual size_t avail() const = 0;
};

void *operator new(__SIZE_TYPE__, Genode::Allocator &);
void operator delete(void *, Genode::Allocator &);

template <typename T> void Genode::destroy(auto &&from, T *object)
{
	if (!object)
		return;
	object->~T();
	operator delete(object, from);
}

#endif
