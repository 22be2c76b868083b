/* SPDX-License-Identifier: MIT */
/* The operations that a core needs of the broker, each with what it serves there. */
#ifndef STAND_IN_CHECKS_H
#define STAND_IN_CHECKS_H

void check_hello(void);
void check_devices(void);
void check_io_mem(void);
void check_config(void);
void check_ports(void);
void check_io_bar(void);
void check_irq(void);
void check_messages(void);
void check_domain(void);
void check_dma(void);
void check_components(void);
void check_threads(void);
void check_reset(void);

/* Not among `all': it waits until an operator replaces the policy. */
void check_policy(void);

#endif
