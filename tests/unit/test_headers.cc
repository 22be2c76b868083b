/* SPDX-License-Identifier: MIT */
/* Public headers as C++20, with the warnings that C++ projects turn on. */
#include <hwbroker/client.h>
#include <hwbroker/codec.h>
#include <hwbroker/genode.h>
#include <hwbroker/posix.h>
#include <hwbroker/protocol.h>

namespace
{

struct Base {
	virtual ~Base() = default;
	virtual int send(const hwb_header &header, size_t length) = 0;
};

/* As a C++ embedder would: its objects behind the C function pointers. */
struct Transport final : Base {
	int send(const hwb_header &header, size_t length) override
	{
		return header.length == length ? 0 : -22;
	}

	static int send_packet(void *context, const hwb_part *parts, uint32_t count, int)
	{
		size_t length = 0;

		for (uint32_t i = 0; i < count; i++)
			length += parts[i].length;
		return static_cast<Transport *>(context)->send(
		        *static_cast<const hwb_header *>(parts[0].bytes), length);
	}
};

} // namespace

int main()
{
	alignas(8) unsigned char packet[HWB_MESSAGE_MAX] = {};
	Transport mine{};
	hwb_transport transport{ &mine, Transport::send_packet, nullptr, nullptr };
	hwb_header header{};
	const hwb_part part{ &header, sizeof(header) };
	hwb_device device{};
	hwb_acquire_request acquire{};

	acquire.address = device.address;
	acquire.flags = HWB_ACQUIRE_ALL_BARS | HWB_ACQUIRE_IRQ_ENABLE;
	acquire.irq_type = HWB_IRQ_MSI;
	const hwb_check check = hwb_check_request(packet, sizeof(packet), 0, &header);
	static_assert(HWB_REFUSED(HWB_BUSY) == -4096 - 12);
	static_assert(hwb_refusal_of(HWB_REFUSED(HWB_BUSY)) == HWB_BUSY);
	static_assert(hwb_refusal_of(-32) == HWB_OK);
	return check.status == HWB_BAD_VERSION &&
	                       transport.send(&mine, &part, 1, -1) == -22 &&
	                       hwb_refusal_of(HWB_REFUSED(HWB_BUSY)) == HWB_BUSY &&
	                       hwb_body(packet) == hwb_body_rw(packet)
	               ? 0
	               : 1;
}
