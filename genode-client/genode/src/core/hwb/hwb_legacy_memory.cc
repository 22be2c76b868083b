/* SPDX-License-Identifier: MIT */
#include <base/log.h>
#include <base/mutex.h>
#include <util/misc_math.h>
#include <util/string.h>

#include <hwb/broker.h>
#include <hwb/host.h>
#include <hwb/legacy_memory.h>

using namespace Genode;
using namespace Core::Hwb;

enum { CHUNK = 0x800, WIDTH = 4 };

/* of those who copy: a device's entrypoint, if it is a VGA card's, or the common one */
static Mutex mutex { };

static unsigned char chunk[CHUNK];


/* By requests, as the host's memory has no descriptor. */
static bool read_mediated(uint32_t session, uint32_t offset)
{
	static hwb_mem_op ops[1 + CHUNK / sizeof(hwb_mem_op)];
	static hwb_error  error;

	bzero(ops, sizeof(ops));
	ops[0].offset = offset;
	ops[0].action = HWB_BATCH_READ_BLOCK;
	ops[0].width  = WIDTH;
	ops[0].value  = CHUNK / WIDTH;

	int const result = hwb_io_mem_batch(&broker().client(), session, ops,
	                                    sizeof(ops) / sizeof(ops[0]), &error);
	if (!broker().complain("legacy memory", result, error))
		return false;

	memcpy(chunk, ops + 1, CHUNK);
	return true;
}


static bool fill(int to, hwb_region const &region, int from)
{
	for (uint32_t offset = 0; offset < region.size; offset += CHUNK) {
		bool const read = (region.flags & HWB_REGION_MEDIATED)
		                ? read_mediated(region.session, offset)
		                : Host::read_at(from, chunk, CHUNK, offset);
		if (!read || !Host::write_at(to, chunk, CHUNK, offset))
			return false;
	}
	return true;
}


/* Of the window, a copy is no picture; and a descriptor of /dev/mem is of all memory. */
static bool may_be_copied(hwb_region const &region)
{
	enum { WINDOW = 0xa0000, WINDOW_END = 0xc0000 };

	bool const window = region.base < WINDOW_END && region.base + region.size > WINDOW;

	if (window)
		error("hwbroker: the VGA window has no descriptor, and a dataspace needs one");
	else if (region.flags & HWB_REGION_DEV_MEM)
		error("hwbroker: memory at ", Hex(region.base), " is given by `access = fd', as a "
		      "descriptor of all memory, which no dataspace can be: take that line out");
	else
		return true;
	return false;
}


int Legacy_memory::copy(addr_t page, size_t size)
{
	Mutex::Guard guard { mutex };

	hwb_region region { };
	hwb_error  error  { };
	int given = -1;

	int const result = hwb_io_mem_open(&broker().client(), page, size, 0, &region, &given, &error);
	if (!broker().complain("legacy memory", result, error))
		return -1;

	int made = -1;
	if (may_be_copied(region)) {
		made = Host::memory("hwbroker-legacy", size);
		if (made >= 0 && !fill(made, region, given)) {
			Host::close(made);
			made = -1;
		}
	}
	Host::close(given);
	hwb_close(&broker().client(), region.session, nullptr);
	return made < 0 ? -1 : made;
}
