/* SPDX-License-Identifier: MIT */
/*
 * Which thread the scheduler prefers. On a host with few processors the event loop shares
 * one with the daemon's own workers, of which one may map memory for seconds; and a loop
 * that answers much would have used up its equal share, and wait for whole ticks.
 */
#ifndef HWBROKERD_KERNEL_PRIORITY_H
#define HWBROKERD_KERNEL_PRIORITY_H

/* The calling thread goes before those of usual priority, and runs shortly each time; the
 * threads and processes that it starts have the usual priority. 0, or -1 with errno set
 * (EPERM: RLIMIT_NICE and capabilities do not let it), and nothing has changed. */
int priority_prefer_this_thread(void);

#endif
