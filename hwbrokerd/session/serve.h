/* SPDX-License-Identifier: MIT */
/*
 * The function behind each opcode. The codec has checked the body's size, its
 * reserved fields and flags; the peer has been admitted. Each answers the
 * request once, now or from a job.
 */
#ifndef HWBROKERD_SESSION_SERVE_H
#define HWBROKERD_SESSION_SERVE_H

#include "server/request.h"

void serve_ping(struct request *request);
void serve_close(struct request *request);

/* bus/platform.c, acquire/acquire.c, config.c */
void serve_device_list(struct request *request);
void serve_device_info(struct request *request);
void serve_device_acquire(struct request *request);
void serve_device_acquire_any(struct request *request);
void serve_device_fd(struct request *request);
void serve_config_read(struct request *request);
void serve_config_write(struct request *request);

/* memory/io_mem.c */
void serve_io_mem_open(struct request *request);
void serve_io_mem_open_bar(struct request *request);
void serve_io_mem_batch(struct request *request);

/* memory/memory.c */
void serve_io_mem_list(struct request *request);

/* port/io_port.c; the BAR's descriptor is a region: memory/io_mem.c */
void serve_io_port_open(struct request *request);
void serve_io_port_open_bar(struct request *request);
void serve_io_port_batch(struct request *request);
void serve_io_port_list(struct request *request);

/* irq/irq.c */
void serve_irq_open(struct request *request);
void serve_irq_enable(struct request *request);
void serve_irq_ack(struct request *request);
void serve_irq_fds(struct request *request);

/* irq/line_open.c */
void serve_irq_open_number(struct request *request);
void serve_irq_list(struct request *request);

/* dma/domain.c */
void serve_domain_open(struct request *request);
void serve_domain_info(struct request *request);
void serve_domain_assign(struct request *request);
void serve_domain_deassign(struct request *request);

/* dma/dma.c */
void serve_dma_alloc(struct request *request);
void serve_dma_map(struct request *request);
void serve_dma_unmap(struct request *request);

/* admin.c */
void serve_admin_status(struct request *request);
void serve_admin_devices(struct request *request);
void serve_admin_clients(struct request *request);
void serve_admin_sessions(struct request *request);
void serve_admin_given(struct request *request);

/* control.c */
void serve_admin_revoke(struct request *request);
void serve_admin_clear(struct request *request);
void serve_admin_release(struct request *request);
void serve_admin_reload(struct request *request);

/* explain.c, audit.c */
void serve_admin_explain(struct request *request);
void serve_admin_audit(struct request *request);

/* groups.c, rules.c */
void serve_admin_groups(struct request *request);
void serve_admin_rules(struct request *request);

/* metrics.c */
void serve_admin_metrics(struct request *request);
void serve_admin_monitor(struct request *request);

#endif
