/* SPDX-License-Identifier: MIT */
/* Loaded into the daemon with LD_PRELOAD, where host.sh counts what many sessions cost and nobody
 * reaches a port: it may have each. */
#include <sys/io.h>

int ioperm(unsigned long from, unsigned long count, int on)
{
	(void)from;
	(void)count;
	(void)on;
	return 0;
}
