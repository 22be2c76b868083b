/* SPDX-License-Identifier: MIT */
/* Work without an end, to be killed in the middle of. Each says `running' when it is. */
#ifndef STAND_IN_FOREVER_H
#define STAND_IN_FOREVER_H

/* They return an exit status if something goes wrong. */
int dma_forever(void);
int acquire_forever(void);

#endif
