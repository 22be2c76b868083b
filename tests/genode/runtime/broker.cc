/* SPDX-License-Identifier: MIT */
#include <broker.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <runtime.h>

namespace
{

void must(bool condition, char const *what)
{
	if (condition)
		return;
	fprintf(stderr, "the broker of the test: %s\n", what);
	abort();
}

template <typename T> T const &body_of(unsigned char const *packet)
{
	return *static_cast<T const *>(hwb_body(packet));
}

hwb_bar memory_bar(uint64_t address, uint64_t size)
{
	return { address, size, HWB_BAR_64BIT, 0 };
}

} // namespace

Stub_broker::Stub_broker(char const *path)
{
	hwb_device &card = devices[CARD];
	card.address = { 0, 0, 3, 0, 0 };
	card.vendor = 0x8086;
	card.device = 0x10d3;
	card.class_code = 0x020000;
	card.intx_pin = 1;
	card.irq_number = 0x103;
	card.flags = HWB_DEVICE_PCIE; /* may not do DMA by itself: its interrupt is the pin */
	card.bars[0] = memory_bar(CARD_BAR0, 0x20000);
	card.bars[1] = memory_bar(CARD_BAR1, 0x100);
	card.bars[2] = { CARD_PORTS, 0x20, HWB_BAR_IO, 0 };

	hwb_device &disk = devices[DISK];
	disk.address = { 0, 4, 0, 0, 0 };
	disk.vendor = 0x1b36;
	disk.device = 0x0010;
	disk.class_code = 0x010802;
	disk.irq_number = 0x2104;
	disk.msi_vectors = 4;
	disk.flags = HWB_DEVICE_PCIE | HWB_DEVICE_MAY_DMA;
	disk.bars[0] = memory_bar(DISK_BAR0, 0x4000);
	disk.bars[0].flags |= HWB_BAR_PREFETCHABLE;

	sockaddr_un address{};
	pthread_t thread;
	address.sun_family = AF_UNIX;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	_listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	must(bind(_listener, reinterpret_cast<sockaddr *>(&address), sizeof(address)) == 0 &&
	             listen(_listener, 1) == 0 &&
	             pthread_create(&thread, nullptr, _main, this) == 0,
	     "cannot start");
	pthread_detach(thread);
}

void *Stub_broker::_main(void *self)
{
	static_cast<Stub_broker *>(self)->_serve();
	return nullptr;
}

/* ---- what the test does ---- */

void Stub_broker::refuse(uint16_t opcode, hwb_status status)
{
	pthread_mutex_lock(&_mutex);
	_refused = opcode;
	_refusal = status;
	pthread_mutex_unlock(&_mutex);
}

void Stub_broker::hold(uint16_t opcode)
{
	pthread_mutex_lock(&_mutex);
	_held = opcode;
	pthread_mutex_unlock(&_mutex);
}

void Stub_broker::go_on()
{
	pthread_mutex_lock(&_mutex);
	_held = 0;
	if (_waiting)
		_perform(_packet);
	_waiting = false;
	pthread_mutex_unlock(&_mutex);
}

void Stub_broker::tell(uint16_t opcode, void const *body, size_t length, uint32_t session)
{
	alignas(8) unsigned char packet[HWB_MESSAGE_MAX];
	hwb_header const header{ HWB_PROTOCOL_VERSION,
		                 opcode,
		                 static_cast<uint32_t>(sizeof(header) + length),
		                 0,
		                 session,
		                 HWB_OK,
		                 HWB_EVENT,
		                 0 };

	memcpy(packet, &header, sizeof(header));
	if (length)
		memcpy(packet + sizeof(header), body, length);
	pthread_mutex_lock(&_mutex);
	_send(packet, header.length, nullptr, 0);
	pthread_mutex_unlock(&_mutex);
}

void Stub_broker::hang_up()
{
	pthread_mutex_lock(&_mutex);
	shutdown(_socket, SHUT_RDWR);
	pthread_mutex_unlock(&_mutex);
}

void Stub_broker::list(unsigned count)
{
	pthread_mutex_lock(&_mutex);
	_listed = count;
	pthread_mutex_unlock(&_mutex);
}

void Stub_broker::plug_in(unsigned device, uint16_t vendor, uint16_t id)
{
	pthread_mutex_lock(&_mutex);
	devices[device].vendor = vendor;
	devices[device].device = id;
	pthread_mutex_unlock(&_mutex);
}

void Stub_broker::without_iommu()
{
	pthread_mutex_lock(&_mutex);
	for (hwb_device &device : devices)
		device.flags |= HWB_DEVICE_DMA_UNSAFE;
	pthread_mutex_unlock(&_mutex);
}

void Stub_broker::end_dma(unsigned device)
{
	pthread_mutex_lock(&_mutex);
	devices[device].flags &= ~uint32_t(HWB_DEVICE_MAY_DMA);
	pthread_mutex_unlock(&_mutex);
}

unsigned long Stub_broker::placed()
{
	pthread_mutex_lock(&_mutex);
	unsigned long const at = _placed;
	pthread_mutex_unlock(&_mutex);
	return at;
}

int Stub_broker::trigger(unsigned device)
{
	pthread_mutex_lock(&_mutex);
	int const fd = _trigger[device];
	pthread_mutex_unlock(&_mutex);
	return fd;
}

int Stub_broker::unmask(unsigned device)
{
	pthread_mutex_lock(&_mutex);
	int const fd = _unmask[device];
	pthread_mutex_unlock(&_mutex);
	return fd;
}

unsigned Stub_broker::times(char const *words)
{
	unsigned count = 0;

	pthread_mutex_lock(&_mutex);
	for (char const *at = _requests; (at = strstr(at, words)); at++)
		count++;
	pthread_mutex_unlock(&_mutex);
	return count;
}

bool Stub_broker::saw(char const *words)
{
	for (int waited = 0; waited < Stub_runtime::PATIENCE; waited += Stub_runtime::STEP) {
		if (times(words))
			return true;
		usleep(Stub_runtime::STEP);
	}
	return false;
}

void Stub_broker::print_requests()
{
	pthread_mutex_lock(&_mutex);
	printf("    requests:\n%s", _requests);
	pthread_mutex_unlock(&_mutex);
}

unsigned Stub_broker::open_handles()
{
	unsigned count = 0;

	pthread_mutex_lock(&_mutex);
	for (Handle const &handle : _handles)
		count += handle.kind != nullptr;
	pthread_mutex_unlock(&_mutex);
	return count;
}

/* ---- packets ---- */

void Stub_broker::_send(void const *packet, size_t length, int const *fds, unsigned count)
{
	union {
		cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int) * 4)];
	} control{};
	iovec part{ const_cast<void *>(packet), length };
	msghdr message{};

	message.msg_iov = &part;
	message.msg_iovlen = 1;
	if (count) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * count);
	}
	sendmsg(_socket, &message, MSG_NOSIGNAL);
}

void Stub_broker::_answer(hwb_header const &request, uint32_t session, void const *body,
                          size_t length, int const *fds, unsigned count)
{
	alignas(8) unsigned char packet[HWB_MESSAGE_MAX];
	hwb_header header = request;

	header.kind = HWB_REPLY;
	header.session = session;
	header.length = static_cast<uint32_t>(sizeof(header) + length);
	header.fds = static_cast<uint16_t>(count);
	memcpy(packet, &header, sizeof(header));
	if (length)
		memcpy(packet + sizeof(header), body, length);
	_send(packet, header.length, fds, count);
}

void Stub_broker::_refuse(hwb_header const &request, hwb_status status)
{
	alignas(8) unsigned char packet[HWB_MESSAGE_MAX];
	static char const reason[] = "the test says no";

	_send(packet, hwb_make_refusal(packet, &request, status, 0, 0, reason, sizeof(reason) - 1),
	      nullptr, 0);
}

void Stub_broker::_serve()
{
	union {
		cmsghdr header;
		unsigned char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	alignas(8) static unsigned char packet[HWB_MESSAGE_MAX + 1];

	int const socket = accept(_listener, nullptr, nullptr);
	pthread_mutex_lock(&_mutex);
	_socket = socket;
	pthread_mutex_unlock(&_mutex);
	for (;;) {
		iovec part{ packet, sizeof(packet) };
		msghdr message{};
		message.msg_iov = &part;
		message.msg_iovlen = 1;
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control);

		ssize_t const length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
		if (length <= 0)
			return;

		cmsghdr const *const rights = CMSG_FIRSTHDR(&message);
		hwb_header header;
		int fd = -1;
		if (rights)
			memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
		hwb_check const check =
		        hwb_check_request(packet, static_cast<size_t>(length), fd >= 0, &header);
		must(check.status == HWB_OK, check.reason);
		_request(packet, fd);
		if (fd >= 0)
			close(fd);
	}
}

/* ---- requests ---- */

void Stub_broker::_say(char const *format, ...)
{
	va_list list;

	va_start(list, format);
	int const count = vsnprintf(_requests + _length, sizeof(_requests) - _length, format, list);
	va_end(list);
	_length += static_cast<size_t>(count);
	must(_length + 200 < sizeof(_requests), "too many requests");
}

uint32_t Stub_broker::_open(char const *kind, unsigned device)
{
	must(_next < HANDLES, "too many handles");
	_handles[_next] = { kind, device };
	return _next++;
}

char const *Stub_broker::_kind(uint32_t handle) const
{
	return handle < HANDLES && _handles[handle].kind ? _handles[handle].kind : "nothing";
}

unsigned Stub_broker::_device_of(uint32_t handle) const
{
	must(strcmp(_kind(handle), "device") == 0, "not a device's handle");
	return _handles[handle].device;
}

unsigned Stub_broker::_device_at(hwb_pci_address const &address) const
{
	for (unsigned i = 0; i < DEVICES; i++)
		if (memcmp(&devices[i].address, &address, sizeof(address)) == 0)
			return i;
	must(false, "there is no such device");
	return 0;
}

static char const *name_of(unsigned device)
{
	return device == Stub_broker::CARD ? "card" : "disk";
}

void Stub_broker::_request(unsigned char *packet, int fd)
{
	hwb_header const &header = *reinterpret_cast<hwb_header *>(packet);

	pthread_mutex_lock(&_mutex);
	_note(packet, fd);
	if (header.opcode == _refused) {
		_refused = 0;
		_refuse(header, _refusal);
	} else if (header.opcode == _held) {
		must(!_waiting, "two requests are to be held back");
		memcpy(_packet, packet, header.length);
		_waiting = true;
	} else {
		_perform(packet);
	}
	pthread_mutex_unlock(&_mutex);
}

void Stub_broker::_note(unsigned char const *packet, int fd)
{
	hwb_header const &header = *reinterpret_cast<hwb_header const *>(packet);

	switch (header.opcode) {
	case HWB_CLOSE:
		_say("close %s\n", _kind(header.session));
		break;
	case HWB_DEVICE_ACQUIRE: {
		auto const &request = body_of<hwb_acquire_request>(packet);
		_say("acquire %s %s domain\n", name_of(_device_at(request.address)),
		     request.domain ? "into a" : "without a");
		break;
	}
	case HWB_IO_MEM_OPEN_BAR: {
		auto const &request = body_of<hwb_bar_request>(packet);
		_say("bar %u of %s from %#lx%s\n", request.bar, name_of(_device_of(header.session)),
		     request.offset, request.flags & HWB_IO_MEM_WC ? " wc" : " uncached");
		break;
	}
	case HWB_IO_MEM_OPEN: {
		auto const &request = body_of<hwb_io_mem_request>(packet);
		_say("memory %#lx+%#lx\n", request.base, request.size);
		break;
	}
	case HWB_IO_PORT_OPEN: {
		auto const &request = body_of<hwb_io_port_request>(packet);
		_say("ports %#x+%u\n", request.base, request.count);
		break;
	}
	case HWB_IO_PORT_BATCH: {
		auto const &op = *reinterpret_cast<hwb_port_op const *>(
		        &body_of<hwb_port_batch>(packet) + 1);
		_say("%s %u at %#x: %#x\n", op.action == HWB_PORT_IN ? "in" : "out", op.width * 8u,
		     op.port, op.value);
		break;
	}
	case HWB_IRQ_OPEN: {
		auto const &request = body_of<hwb_irq_request>(packet);
		_say("irq of type %u, %u of %s%s\n", request.type, request.count,
		     name_of(_device_of(header.session)),
		     request.flags & HWB_IRQ_OPEN_ENABLE ? ", enabled" : "");
		break;
	}
	case HWB_IRQ_OPEN_NUMBER:
		_say("line %u\n", body_of<hwb_line_request>(packet).number);
		break;
	case HWB_DOMAIN_ASSIGN:
	case HWB_DOMAIN_DEASSIGN:
		_say("%s %s\n", header.opcode == HWB_DOMAIN_ASSIGN ? "assign" : "deassign",
		     name_of(_device_of(body_of<hwb_assign_request>(packet).device)));
		break;
	case HWB_DMA_MAP: {
		auto const &request = body_of<hwb_dma_map_request>(packet);
		_say("map %#lx+%#lx flags %u%s\n", request.iova, request.size, request.flags,
		     fd >= 0 ? " with memory" : "");
		break;
	}
	case HWB_DMA_ALLOC: {
		auto const &request = body_of<hwb_dma_alloc_request>(packet);
		_say("alloc %#lx below %#lx flags %u\n", request.size, request.limit,
		     request.flags);
		break;
	}
	case HWB_DMA_UNMAP:
		_say("unmap %#lx\n", body_of<hwb_dma_unmap_request>(packet).iova);
		break;
	default:
		_say("%s\n", hwb_opcode_name(header.opcode));
	}
}

void Stub_broker::_list(hwb_header const &header)
{
	struct {
		hwb_list_reply head;
		hwb_device devices[DEVICES];
	} reply{};

	reply.head.count = _listed;
	reply.head.record_size = sizeof(hwb_device);
	memcpy(reply.devices, devices, sizeof(devices));
	_answer(header, 0, &reply, sizeof(reply.head) + _listed * sizeof(hwb_device));
}

void Stub_broker::_interrupt(hwb_header const &header, hwb_irq_request const &request)
{
	unsigned const device = _device_of(header.session);
	bool const pin = request.type == HWB_IRQ_INTX;
	hwb_interrupt reply{ 0, request.type, 1, 1 };

	for (Handle const &handle : _handles)
		if (handle.kind && strcmp(handle.kind, "irq") == 0 && handle.device == device) {
			_refuse(header, HWB_BUSY);
			return;
		}
	reply.session = _open("irq", device);
	_trigger[device] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	_unmask[device] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int const fds[2] = { _trigger[device], _unmask[device] };
	_answer(header, reply.session, &reply, sizeof(reply), fds, pin ? 2 : 1);
}

void Stub_broker::_line(hwb_header const &header, hwb_line_request const &request)
{
	bool const uio = request.number == UIO_LINE;
	hwb_line reply{ 0, request.number, uio ? HWB_LINE_UIO : HWB_LINE_POLLED, uio ? 0u : 1u };

	if (!uio && request.number != POLLED_LINE) {
		_refuse(header, HWB_DENIED);
		return;
	}
	for (Handle const &handle : _handles)
		if (handle.kind && strcmp(handle.kind, "line") == 0) {
			_refuse(header, HWB_BUSY);
			return;
		}
	reply.session = _open("line", LINE);
	_trigger[LINE] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	_unmask[LINE] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int const fds[2] = { _trigger[LINE], _unmask[LINE] };
	_answer(header, reply.session, &reply, sizeof(reply), fds, uio ? 2 : 1);
}

/* ROMs are copies; of the rest some is given as a descriptor of all memory */
void Stub_broker::_memory(hwb_header const &header, hwb_io_mem_request const &request)
{
	hwb_region reply{ 0, HWB_REGION_MEDIATED, request.base, request.size, 0 };
	int fd = -1;

	if (request.base >= 0xc0000 || request.base == FORCED_MEMORY) {
		fd = memfd_create("memory", MFD_CLOEXEC);
		for (uint64_t at = 0; at < request.size; at += 4) {
			uint32_t const word = static_cast<uint32_t>(request.base + at);
			must(write(fd, &word, sizeof(word)) == sizeof(word), "cannot write memory");
		}
		reply.flags = request.base == FORCED_MEMORY
		                      ? HWB_REGION_DEV_MEM
		                      : HWB_REGION_COPY | HWB_REGION_READ_ONLY;
	}
	reply.session = _open("memory", 0);
	_answer(header, reply.session, &reply, sizeof(reply), &fd, fd >= 0 ? 1 : 0);
	if (fd >= 0)
		close(fd);
}

void Stub_broker::_perform(unsigned char *packet)
{
	hwb_header const header = *reinterpret_cast<hwb_header *>(packet);

	switch (header.opcode) {
	case HWB_HELLO: {
		hwb_hello_reply reply{};
		reply.version = HWB_PROTOCOL_VERSION;
		reply.message_max = HWB_MESSAGE_MAX;
		reply.features = HWB_FEATURE_DMA | HWB_FEATURE_IO_PORT;
		reply.requests_max = 64;
		reply.sessions_max = HANDLES;
		reply.page_size = 4096;
		strcpy(reply.client, "core");
		_answer(header, 0, &reply, sizeof(reply));
		break;
	}
	case HWB_DEVICE_LIST:
		_list(header);
		break;
	case HWB_DEVICE_ACQUIRE: {
		unsigned const device = _device_at(body_of<hwb_acquire_request>(packet).address);
		hwb_acquire_reply reply{};
		reply.device = devices[device];
		_answer(header, _open("device", device), &reply, sizeof(reply));
		break;
	}
	case HWB_CONFIG_READ: {
		hwb_config_access access = body_of<hwb_config_access>(packet);
		hwb_device const &device = devices[_device_of(header.session)];
		uint32_t const ids = static_cast<uint32_t>(device.device << 16 | device.vendor);
		/* 0x40 on is of no capability: what is there tells a copy from a made page */
		access.value = access.offset == 0 ? ids : access.offset < 0x40 ? 0 : 0xc0ffee00;
		_answer(header, header.session, &access, sizeof(access));
		break;
	}
	case HWB_IO_MEM_OPEN_BAR: {
		unsigned const device = _device_of(header.session);
		auto const &request = body_of<hwb_bar_request>(packet);
		hwb_bar const &bar = devices[device].bars[request.bar];
		hwb_region reply{ 0, request.flags, bar.address + request.offset,
			          bar.size - request.offset, 0 };
		reply.session = _open("bar", device);
		int const fd = memfd_create("bar", MFD_CLOEXEC);
		char const text[] = { 'B', 'A', 'R', static_cast<char>('0' + request.bar) };
		must(write(fd, text, sizeof(text)) == sizeof(text), "cannot write a BAR");
		_answer(header, reply.session, &reply, sizeof(reply), &fd, 1);
		close(fd);
		break;
	}
	case HWB_IO_MEM_OPEN:
		_memory(header, body_of<hwb_io_mem_request>(packet));
		break;
	case HWB_IO_MEM_BATCH: {
		auto *const ops = reinterpret_cast<hwb_mem_op *>(
		        static_cast<hwb_mem_batch *>(hwb_body_rw(packet)) + 1);
		must(ops->action == HWB_BATCH_READ_BLOCK && ops->width == 4, "not a block");
		/* each word is its address */
		for (uint32_t i = 0; i < ops->value; i++) {
			uint32_t const word = ops->offset + 4 * i;
			memcpy(reinterpret_cast<unsigned char *>(ops + 1) + 4 * i, &word, 4);
		}
		_answer(header, header.session, hwb_body(packet), hwb_body_length(&header));
		break;
	}
	case HWB_IO_PORT_OPEN:
		_answer(header, _open("ports", 0), nullptr, 0);
		break;
	case HWB_IO_PORT_BATCH: {
		auto *const op = reinterpret_cast<hwb_port_op *>(
		        static_cast<hwb_port_batch *>(hwb_body_rw(packet)) + 1);
		if (op->action == HWB_PORT_IN)
			op->value = 0x12345678u >> (32 - 8 * op->width);
		_answer(header, header.session, hwb_body(packet), hwb_body_length(&header));
		break;
	}
	case HWB_IRQ_OPEN:
		_interrupt(header, body_of<hwb_irq_request>(packet));
		break;
	case HWB_IRQ_OPEN_NUMBER:
		_line(header, body_of<hwb_line_request>(packet));
		break;
	case HWB_DOMAIN_OPEN:
		_answer(header, _open("domain", 0), nullptr, 0);
		break;
	case HWB_DMA_MAP: {
		auto const &request = body_of<hwb_dma_map_request>(packet);
		hwb_dma_reply const reply{ request.iova, request.size, 4096, 0 };
		_answer(header, header.session, &reply, sizeof(reply));
		break;
	}
	case HWB_DMA_ALLOC: {
		int const fd = memfd_create("dma", MFD_CLOEXEC);
		_placed += 0x200000;
		hwb_dma_reply const reply{ _placed, 0x200000, 0x200000, HWB_DMA_UNSAFE };
		must(write(fd, "DMA", 4) == 4, "cannot write memory");
		_answer(header, header.session, &reply, sizeof(reply), &fd, 1);
		close(fd);
		break;
	}
	case HWB_CLOSE:
		if (strcmp(_kind(header.session), "nothing") == 0) {
			_refuse(header, HWB_NO_SESSION);
			break;
		}
		_handles[header.session].kind = nullptr;
		_answer(header, header.session, nullptr, 0);
		break;
	default:
		_answer(header, header.session, nullptr, 0);
	}
}
