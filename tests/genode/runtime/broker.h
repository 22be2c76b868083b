/* SPDX-License-Identifier: MIT */
/*
 * A broker for tests of the overlay: a thread with two devices and a legacy port range that
 * grants everything, notes what it was asked, and refuses, delays or tells what the test says.
 */
#ifndef GENODE_STUB_BROKER_H
#define GENODE_STUB_BROKER_H

#include <pthread.h>
#include <stddef.h>

#include <hwbroker/codec.h>
#include <hwbroker/protocol.h>

class Stub_broker
{
      public:
	enum { CARD = 0, DISK = 1, DEVICES = 2, LINE = DEVICES, HANDLES = 512 };

	/* interrupt lines that the policy gives: by a UIO device, and by a clock, once a second */
	enum { UIO_LINE = 4, POLLED_LINE = 1 };

	/* addresses of the devices' pieces */
	static constexpr uint64_t FORCED_MEMORY = 0x9f000;
	static constexpr unsigned long CARD_BAR0 = 0xfe000000, CARD_BAR1 = 0xfe100800,
	                               DISK_BAR0 = 0xd0000000;
	static constexpr unsigned CARD_PORTS = 0xc000;

	hwb_device devices[DEVICES]{};

	explicit Stub_broker(char const *path);

	/* the next request of this kind is refused; later ones are held back, or no more */
	void refuse(uint16_t opcode, hwb_status);
	void hold(uint16_t opcode);
	void go_on();

	/* how many of the devices the policy gives */
	void list(unsigned);
	void plug_in(unsigned device, uint16_t vendor, uint16_t id);
	void end_dma(unsigned device);
	void without_iommu();

	/* where the memory is that the last DMA_ALLOC got: no two have the same */
	unsigned long placed();

	/* of the interrupt of a device or LINE, to be written to and read from */
	int trigger(unsigned device);
	int unmask(unsigned device);

	void tell(uint16_t opcode, void const *body, size_t length, uint32_t session);
	void hang_up();

	/* Waits for a request that was noted in these words; how many there were. */
	bool saw(char const *words);
	unsigned times(char const *words);
	void print_requests();

	/* how many handles are open */
	unsigned open_handles();

      private:
	struct Handle {
		char const *kind; /* nullptr: closed */
		unsigned device;
	};

	int _listener = -1, _socket = -1;
	pthread_mutex_t _mutex = PTHREAD_MUTEX_INITIALIZER;
	char _requests[1 << 16]{};
	size_t _length = 0;
	Handle _handles[HANDLES]{};
	uint32_t _next = 1;
	unsigned long _placed = 0x10000000;
	unsigned _listed = DEVICES;
	int _trigger[DEVICES + 1] = { -1, -1, -1 }, _unmask[DEVICES + 1] = { -1, -1, -1 };
	uint16_t _refused = 0, _held = 0;
	hwb_status _refusal = HWB_OK;

	/* the one that is held back */
	alignas(8) unsigned char _packet[HWB_MESSAGE_MAX]{};
	bool _waiting = false;

	Stub_broker(Stub_broker const &);
	Stub_broker &operator=(Stub_broker const &);

	static void *_main(void *self);
	void _serve();
	void _request(unsigned char *packet, int fd);
	void _perform(unsigned char *packet);
	void _note(unsigned char const *packet, int fd);
	void _say(char const *format, ...) __attribute__((format(printf, 2, 3)));

	uint32_t _open(char const *kind, unsigned device);
	unsigned _device_of(uint32_t handle) const;
	unsigned _device_at(hwb_pci_address const &) const;
	char const *_kind(uint32_t handle) const;

	void _answer(hwb_header const &request, uint32_t session, void const *body, size_t length,
	             int const *fds = nullptr, unsigned count = 0);
	void _refuse(hwb_header const &request, hwb_status);
	void _send(void const *packet, size_t length, int const *fds, unsigned count);
	void _list(hwb_header const &);
	void _memory(hwb_header const &header, hwb_io_mem_request const &request);
	void _interrupt(hwb_header const &, hwb_irq_request const &);
	void _line(hwb_header const &, hwb_line_request const &);
};

#endif
