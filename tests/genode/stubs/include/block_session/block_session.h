/* SPDX-License-Identifier: MIT */
/* Stands for Genode's block_session/block_session.h: a disk. */
#ifndef GENODE_STUB_BLOCK_SESSION_BLOCK_SESSION_H
#define GENODE_STUB_BLOCK_SESSION_BLOCK_SESSION_H

#include <block/request.h>
#include <session/session.h>

namespace Block
{
struct Session;
}

struct Block::Session : Genode::Session {
	struct Info {
		Genode::size_t block_size;
		block_number_t block_count;
		Genode::uint8_t align_log2;
		bool writeable;
	} __attribute__((packed));
};

#endif
