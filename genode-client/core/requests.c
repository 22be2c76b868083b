/* SPDX-License-Identifier: MIT */
/* Each request of the protocol as a function that sends it and waits. */
#include <hwbroker/client.h>

#include "bytes.h"

/* Linux errno, asm-generic/errno-base.h. */
enum { E_INVAL = 22 };

/* Sends, and waits for the answer to go where `call` says. */
static int ask(struct hwb_client *client, struct hwb_call *call, uint16_t opcode, uint32_t session,
               const void *body, size_t length, int fd)
{
	int result = hwb_begin(client, call, opcode, session, body, length, fd);

	return result != 0 ? result : hwb_finish(client, call);
}

/* A request whose answer says nothing but yes or no. */
static int command(struct hwb_client *client, uint16_t opcode, uint32_t session, const void *body,
                   size_t length, struct hwb_error *error)
{
	struct hwb_call call = { .error = error };

	return ask(client, &call, opcode, session, body, length, -1);
}

int hwb_ping(struct hwb_client *client, struct hwb_error *error)
{
	return command(client, HWB_PING, 0, NULL, 0, error);
}

int hwb_close(struct hwb_client *client, uint32_t session, struct hwb_error *error)
{
	return command(client, HWB_CLOSE, session, NULL, 0, error);
}

/* What a list is asked for by. */
struct subject {
	uint16_t opcode;
	uint32_t session;
	const char *name; /* of ADMIN_GIVEN, else NULL */
};

/* 0: it does not fit. */
static int copy_name(char to[HWB_NAME_SIZE], const char *from)
{
	__builtin_memset(to, 0, HWB_NAME_SIZE);
	for (size_t i = 0; i < HWB_NAME_SIZE; i++) {
		if (from[i] == '\0')
			return 1;
		to[i] = from[i];
	}
	return 0;
}

/* Fetches the next page. 1: there is one; 0: the page before was the last. The
 * request is made up where the records were, all of which have been taken: the stack
 * has no room for a name. */
static int turn_page(struct hwb_client *client, const struct subject *subject,
                     struct hwb_list *list, struct hwb_error *error)
{
	uint64_t *request = list->page.records; /* struct hwb_list_request, or ..._given_... */
	size_t length = sizeof(struct hwb_list_request);
	struct hwb_call call = {
		.reply = &list->page,
		.reply_size = sizeof(list->page),
		.error = error,
	};

	if (list->begun && list->next == 0)
		return 0;
	request[0] = list->next;
	if (subject->name != NULL) {
		if (!copy_name((char *)&request[1], subject->name))
			return -E_INVAL;
		length = sizeof(struct hwb_given_request);
	}
	int result = ask(client, &call, subject->opcode, subject->session, request, length, -1);
	if (result != 0)
		return result;
	list->begun = 1;
	list->taken = 0;
	list->next = list->page.head.next;
	return 1;
}

/* Records of `size` bytes, as version 1 knows them: a later broker's may be longer. */
static int read_list(struct hwb_client *client, const struct subject *subject,
                     struct hwb_list *list, void *records, uint32_t size, uint32_t max,
                     struct hwb_error *error)
{
	const struct hwb_list_reply *head = &list->page.head;
	const unsigned char *from = (const unsigned char *)list->page.records;
	unsigned char *to = (unsigned char *)records;
	uint32_t count = 0;

	if (max == 0)
		return -E_INVAL;
	while (list->taken == head->count) {
		int result = turn_page(client, subject, list, error);
		if (result <= 0)
			return result;
	}
	for (; count < max && list->taken < head->count; count++, list->taken++)
		bytes_copy(to + (size_t)count * size,
		           from + (size_t)list->taken * head->record_size, size);
	return (int)count;
}

int hwb_device_list(struct hwb_client *client, struct hwb_list *list, struct hwb_device *devices,
                    uint32_t max, struct hwb_error *error)
{
	const struct subject subject = { HWB_DEVICE_LIST, 0, NULL };

	return read_list(client, &subject, list, devices, sizeof(*devices), max, error);
}

int hwb_device_info(struct hwb_client *client, const struct hwb_pci_address *address,
                    struct hwb_device *device, struct hwb_error *error)
{
	const struct hwb_device_info_request info = { *address };
	struct hwb_call call = { .reply = device, .reply_size = sizeof(*device), .error = error };

	return ask(client, &call, HWB_DEVICE_INFO, 0, &info, sizeof(info), -1);
}

int hwb_device_info_by_handle(struct hwb_client *client, uint32_t handle, struct hwb_device *device,
                              struct hwb_error *error)
{
	const struct hwb_device_info_request info = { { 0, 0, 0, 0, 0 } };
	struct hwb_call call = { .reply = device, .reply_size = sizeof(*device), .error = error };

	return ask(client, &call, HWB_DEVICE_INFO, handle, &info, sizeof(info), -1);
}

static int acquire(struct hwb_client *client, uint16_t opcode, const void *request, uint32_t size,
                   uint32_t *session, struct hwb_acquire_reply *reply, int *fds, uint32_t *fd_count,
                   struct hwb_error *error)
{
	struct hwb_call call = {
		.reply = reply,
		.reply_size = sizeof(*reply),
		.fds = fds,
		.fds_max = HWB_FDS_MAX,
		.error = error,
	};
	int result = ask(client, &call, opcode, 0, request, size, -1);

	*fd_count = call.fd_count;
	*session = call.session;
	return result;
}

int hwb_device_acquire(struct hwb_client *client, const struct hwb_acquire_request *request,
                       uint32_t *session, struct hwb_acquire_reply *reply, int *fds,
                       uint32_t *fd_count, struct hwb_error *error)
{
	return acquire(client, HWB_DEVICE_ACQUIRE, request, sizeof(*request), session, reply, fds,
	               fd_count, error);
}

int hwb_device_acquire_any(struct hwb_client *client, const struct hwb_acquire_any_request *request,
                           uint32_t *session, struct hwb_acquire_reply *reply, int *fds,
                           uint32_t *fd_count, struct hwb_error *error)
{
	return acquire(client, HWB_DEVICE_ACQUIRE_ANY, request, sizeof(*request), session, reply,
	               fds, fd_count, error);
}

static int config(struct hwb_client *client, uint16_t opcode, uint32_t device, uint32_t offset,
                  uint32_t width, uint32_t *value, struct hwb_error *error)
{
	/* What does not fit the wire must not become another register there. */
	if (offset > UINT16_MAX || width > UINT16_MAX)
		return -E_INVAL;
	struct hwb_config_access access = { (uint16_t)offset, (uint16_t)width, *value };
	struct hwb_call call = { .reply = &access, .reply_size = sizeof(access), .error = error };
	int result = ask(client, &call, opcode, device, &access, sizeof(access), -1);

	*value = access.value;
	return result;
}

int hwb_config_read(struct hwb_client *client, uint32_t device, uint32_t offset, uint32_t width,
                    uint32_t *value, struct hwb_error *error)
{
	*value = 0;
	return config(client, HWB_CONFIG_READ, device, offset, width, value, error);
}

int hwb_config_write(struct hwb_client *client, uint32_t device, uint32_t offset, uint32_t width,
                     uint32_t value, struct hwb_error *error)
{
	return config(client, HWB_CONFIG_WRITE, device, offset, width, &value, error);
}

/* A call whose answer brings a descriptor, or none. */
static struct hwb_call with_fd(void *reply, uint32_t size, int *fd, struct hwb_error *error)
{
	*fd = -1;
	return (struct hwb_call){
		.reply = reply,
		.reply_size = size,
		.fds = fd,
		.fds_max = 1,
		.error = error,
	};
}

int hwb_io_mem_open(struct hwb_client *client, uint64_t base, uint64_t size, uint32_t flags,
                    struct hwb_region *region, int *fd, struct hwb_error *error)
{
	const struct hwb_io_mem_request io_mem = { base, size, flags, 0 };
	struct hwb_call call = with_fd(region, sizeof(*region), fd, error);

	return ask(client, &call, HWB_IO_MEM_OPEN, 0, &io_mem, sizeof(io_mem), -1);
}

int hwb_io_mem_open_bar(struct hwb_client *client, uint32_t device,
                        const struct hwb_bar_request *request, struct hwb_region *region, int *fd,
                        struct hwb_error *error)
{
	struct hwb_call call = with_fd(region, sizeof(*region), fd, error);

	return ask(client, &call, HWB_IO_MEM_OPEN_BAR, device, request, sizeof(*request), -1);
}

int hwb_io_port_open(struct hwb_client *client, uint32_t base, uint32_t count, uint32_t *session,
                     struct hwb_error *error)
{
	const struct hwb_io_port_request ports = { base, count };
	struct hwb_call call = { .error = error };
	int result = ask(client, &call, HWB_IO_PORT_OPEN, 0, &ports, sizeof(ports), -1);

	*session = call.session;
	return result;
}

int hwb_io_port_open_bar(struct hwb_client *client, uint32_t device, uint32_t bar,
                         struct hwb_region *region, int *fd, struct hwb_error *error)
{
	const struct hwb_bar_request wanted = { bar, 0, 0, 0 };
	struct hwb_call call = with_fd(region, sizeof(*region), fd, error);

	return ask(client, &call, HWB_IO_PORT_OPEN_BAR, device, &wanted, sizeof(wanted), -1);
}

/* Both forms have one head. */
static int batch(struct hwb_client *client, uint16_t opcode, uint32_t session, void *records,
                 uint32_t count, uint32_t size, struct hwb_error *error)
{
	struct hwb_mem_batch head = { count, 0 };
	struct hwb_call call = {
		.reply = &head,
		.reply_size = sizeof(head),
		.tail = records,
		.tail_size = count * size,
		.error = error,
	};
	int result = ask(client, &call, opcode, session, &head, sizeof(head), -1);

	/* It says 1 to `count`. */
	return result != 0 ? result : (int)(head.stopped <= count ? head.stopped : 0);
}

int hwb_io_port_batch(struct hwb_client *client, uint32_t session, struct hwb_port_op *ops,
                      uint32_t count, struct hwb_error *error)
{
	if (count > HWB_PORT_OPS_MAX)
		return -E_INVAL;
	return batch(client, HWB_IO_PORT_BATCH, session, ops, count, sizeof(*ops), error);
}

int hwb_io_mem_batch(struct hwb_client *client, uint32_t session, struct hwb_mem_op *ops,
                     uint32_t count, struct hwb_error *error)
{
	if (count > HWB_MEM_OPS_MAX)
		return -E_INVAL;
	return batch(client, HWB_IO_MEM_BATCH, session, ops, count, sizeof(*ops), error);
}

int hwb_io_mem_list(struct hwb_client *client, struct hwb_list *list,
                    struct hwb_memory_range *ranges, uint32_t max, struct hwb_error *error)
{
	const struct subject subject = { HWB_IO_MEM_LIST, 0, NULL };

	return read_list(client, &subject, list, ranges, sizeof(*ranges), max, error);
}

int hwb_io_port_list(struct hwb_client *client, struct hwb_list *list,
                     struct hwb_port_range *ranges, uint32_t max, struct hwb_error *error)
{
	const struct subject subject = { HWB_IO_PORT_LIST, 0, NULL };

	return read_list(client, &subject, list, ranges, sizeof(*ranges), max, error);
}

int hwb_irq_open(struct hwb_client *client, uint32_t device, const struct hwb_irq_request *request,
                 struct hwb_interrupt *reply, int *fds, uint32_t *fd_count, struct hwb_error *error)
{
	struct hwb_call call = {
		.reply = reply,
		.reply_size = sizeof(*reply),
		.fds = fds,
		.fds_max = HWB_FDS_MAX,
		.error = error,
	};
	int result = ask(client, &call, HWB_IRQ_OPEN, device, request, sizeof(*request), -1);

	*fd_count = call.fd_count;
	return result;
}

int hwb_irq_enable(struct hwb_client *client, uint32_t irq, struct hwb_error *error)
{
	return command(client, HWB_IRQ_ENABLE, irq, NULL, 0, error);
}

int hwb_irq_ack(struct hwb_client *client, uint32_t irq, struct hwb_error *error)
{
	return command(client, HWB_IRQ_ACK, irq, NULL, 0, error);
}

int hwb_irq_fds(struct hwb_client *client, uint32_t irq, uint32_t first, uint32_t count, int *fds,
                struct hwb_error *error)
{
	struct hwb_irq_fds range = { first, count };
	struct hwb_call call = {
		.reply = &range,
		.reply_size = sizeof(range),
		.fds = fds,
		.fds_max = count,
		.fds_min = (uint8_t)(count <= HWB_FDS_MAX ? count : HWB_FDS_MAX + 1),
		.error = error,
	};

	return ask(client, &call, HWB_IRQ_FDS, irq, &range, sizeof(range), -1);
}

int hwb_irq_open_number(struct hwb_client *client, uint32_t number, struct hwb_line *line,
                        int fds[2], struct hwb_error *error)
{
	const struct hwb_line_request wanted = { number, 0 };
	struct hwb_call call = {
		.reply = line,
		.reply_size = sizeof(*line),
		.fds = fds,
		.fds_max = 2,
		.fds_min = 1,
		.error = error,
	};

	fds[0] = fds[1] = -1;
	return ask(client, &call, HWB_IRQ_OPEN_NUMBER, 0, &wanted, sizeof(wanted), -1);
}

int hwb_irq_list(struct hwb_client *client, struct hwb_list *list, struct hwb_line_grant *lines,
                 uint32_t max, struct hwb_error *error)
{
	const struct subject subject = { HWB_IRQ_LIST, 0, NULL };

	return read_list(client, &subject, list, lines, sizeof(*lines), max, error);
}

int hwb_domain_open(struct hwb_client *client, uint32_t *session, struct hwb_error *error)
{
	struct hwb_call call = { .error = error };
	int result = ask(client, &call, HWB_DOMAIN_OPEN, 0, NULL, 0, -1);

	*session = call.session;
	return result;
}

int hwb_domain_info(struct hwb_client *client, uint32_t domain, struct hwb_list *list,
                    struct hwb_iova_range *windows, uint32_t max, struct hwb_error *error)
{
	const struct subject subject = { HWB_DOMAIN_INFO, domain, NULL };

	return read_list(client, &subject, list, windows, sizeof(*windows), max, error);
}

int hwb_domain_assign(struct hwb_client *client, uint32_t domain, uint32_t device,
                      struct hwb_error *error)
{
	const struct hwb_assign_request assign = { device, 0 };

	return command(client, HWB_DOMAIN_ASSIGN, domain, &assign, sizeof(assign), error);
}

int hwb_domain_deassign(struct hwb_client *client, uint32_t domain, uint32_t device,
                        struct hwb_error *error)
{
	const struct hwb_assign_request assign = { device, 0 };

	return command(client, HWB_DOMAIN_DEASSIGN, domain, &assign, sizeof(assign), error);
}

int hwb_dma_alloc(struct hwb_client *client, uint32_t domain,
                  const struct hwb_dma_alloc_request *request, struct hwb_dma_reply *reply, int *fd,
                  struct hwb_error *error)
{
	struct hwb_call call = with_fd(reply, sizeof(*reply), fd, error);

	return ask(client, &call, HWB_DMA_ALLOC, domain, request, sizeof(*request), -1);
}

int hwb_dma_map(struct hwb_client *client, uint32_t domain,
                const struct hwb_dma_map_request *request, int fd, struct hwb_dma_reply *reply,
                struct hwb_error *error)
{
	struct hwb_call call = { .reply = reply, .reply_size = sizeof(*reply), .error = error };

	return ask(client, &call, HWB_DMA_MAP, domain, request, sizeof(*request), fd);
}

int hwb_dma_unmap(struct hwb_client *client, uint32_t domain, uint64_t iova,
                  struct hwb_error *error)
{
	const struct hwb_dma_unmap_request unmap = { iova };

	return command(client, HWB_DMA_UNMAP, domain, &unmap, sizeof(unmap), error);
}

int hwb_admin_given(struct hwb_client *client, const char *name, struct hwb_list *list,
                    struct hwb_device *devices, uint32_t max, struct hwb_error *error)
{
	const struct subject subject = { HWB_ADMIN_GIVEN, 0, name };

	return read_list(client, &subject, list, devices, sizeof(*devices), max, error);
}
