/* SPDX-License-Identifier: MIT */
/*
 * A client's whole session: each service once, and what it got is used. Legacy ports
 * and an I/O BAR, registers, INTx, MSI and MSI-X, DMA memory of both kinds, configuration
 * space, and the host's disk, which it gets back.
 */
#ifndef HWBROKER_ENDURANCE_SESSION_H
#define HWBROKER_ENDURANCE_SESSION_H

/* Returns an exit status, or ends the process with a sentence on standard error. */
int session_run(void);

#endif
