/* SPDX-License-Identifier: MIT */
/* Public headers as C++20, with the warnings that C++ projects turn on. */
#include <hwbroker/client.h>
#include <hwbroker/codec.h>
#include <hwbroker/posix.h>
#include <hwbroker/protocol.h>

namespace
{

struct Base {
	virtual ~Base() = default;
	virtual long send(const void *packet, size_t length) = 0;
};

/* As a C++ embedder would: its objects behind the C function pointers. */
struct Transport final : Base {
	long send(const void *, size_t length) override
	{
		return static_cast<long>(length);
	}

	static long send_packet(void *context, const void *packet, size_t length, const int *,
	                        uint32_t)
	{
		return static_cast<Transport *>(context)->send(packet, length);
	}
};

} // namespace

int main()
{
	alignas(8) unsigned char packet[HWB_MESSAGE_MAX] = {};
	Transport mine{};
	hwb_transport transport{ &mine, Transport::send_packet, nullptr, nullptr };
	hwb_header header{};
	hwb_device device{};
	hwb_acquire_request acquire{};

	acquire.address = device.address;
	acquire.flags = HWB_ACQUIRE_ALL_BARS | HWB_ACQUIRE_IRQ_ENABLE;
	acquire.irq_type = HWB_IRQ_MSI;
	const hwb_check check = hwb_check_request(packet, sizeof(packet), 0, &header);
	static_assert(HWB_REFUSED(HWB_BUSY) == -4096 - 12);
	return check.status == HWB_BAD_VERSION &&
	                       transport.send(&mine, packet, 24, nullptr, 0) == 24 &&
	                       hwb_refusal_of(HWB_REFUSED(HWB_BUSY)) == HWB_BUSY &&
	                       hwb_body(packet) == hwb_body_rw(packet)
	               ? 0
	               : 1;
}
