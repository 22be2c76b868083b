/* SPDX-License-Identifier: MIT */
/*
 * What core asks of Linux beyond base-linux's wrappers: the only place of ours
 * that makes system calls. Results below 0 are Linux's negated error numbers;
 * descriptors are close-on-exec, or components would inherit them.
 */
#ifndef _CORE__INCLUDE__HWB__HOST_H_
#define _CORE__INCLUDE__HWB__HOST_H_

#include <base/stdint.h>

namespace Core::Hwb::Host {

	using namespace Genode;

	/* stream of packets to a Unix socket */
	int connect(char const *path);

	/*
	 * Memory that can be pinned for DMA: its size is set first and sealed
	 * then, since a page that is cut off would be one that a device writes to.
	 */
	int memory(char const *name, size_t size);

	int  dup(int fd);

	/* `fd` becomes another descriptor of what `by` is, which is closed; below 0: neither */
	int  replace(int fd, int by);

	void close(int fd);
	bool read_at(int fd, void *, size_t, size_t offset);
	bool write_at(int fd, void const *, size_t, size_t offset);

	/* eventfds: a new one; how often it was signalled since the last time; signal it */
	int      counter();
	uint64_t take_count(int fd);
	void     signal(int fd);

	/* counts as those do, by itself: once in so many nanoseconds, less than a second */
	int timer(unsigned period_ns);

	struct Event { unsigned id; };

	int      epoll_create();
	bool     epoll_add(int epoll, int fd, unsigned id);
	void     epoll_remove(int epoll, int fd);
	unsigned epoll_wait(int epoll, Event *events, unsigned max, int timeout_ms);

	/* told of once, and then not before it is asked for again */
	bool epoll_add_once(int epoll, int fd, unsigned id);
	bool epoll_again(int epoll, int fd, unsigned id);

	/* sleeps while the word has this value; wakes all who sleep so */
	void futex_wait(int const &word, int value);
	void futex_wake(int const &word);
}

#endif
