/* SPDX-License-Identifier: MIT */
/*
 * A VESA mode of a VGA card, set by the card's own video BIOS, which libx86emu runs: the
 * firmware of a PC is 16-bit code that expects the PC of old around it. It gets
 *   - its ROM, and the rest of the firmware's, from a copy that the broker makes (IO_MEM),
 *   - the VGA window below it, an access at a time (IO_MEM_BATCH),
 *   - the card's ports, an access at a time (IO_PORT_BATCH),
 *   - configuration space of this card, behind the ports that configure all (CONFIG_READ),
 *   - memory of this process in place of the host's, into which the interrupt vectors are
 *     copied, and what a BIOS keeps behind them.
 * Then a picture is drawn into the framebuffer, which is a BAR.
 * VESA BIOS Extension 3.0; PCI BIOS Specification 2.1 for how a ROM is begun.
 */
#include "example.h"

#include <hwbroker/ports.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86emu.h>

enum {
	BAR_PIXELS = 0,
	CLASS_VGA = 0x030000,

	WINDOW = 0xa0000,
	WINDOW_SIZE = 0x20000,
	ROMS = 0xc0000,
	ROMS_SIZE = 0x40000,

	VGA_PORTS = 0x3b0,
	VGA_PORT_COUNT = 0x30,
	DISPI_PORTS = 0x1ce, /* of the card that QEMU has, and Bochs */
	DISPI_PORT_COUNT = 3,
	CONFIG_ADDRESS = 0xcf8,
	CONFIG_DATA = 0xcfc,

	VECTORS_SIZE = 0x500, /* with the BIOS data area */
	VECTOR = 0x10 * 4,

	/* In memory of the process: free, as no firmware is below. */
	STACK = 0x9000,
	CODE = 0x600,
	BUFFER = 0x7000,

	VBE_CONTROLLER = 0x4f00,
	VBE_MODE = 0x4f01,
	VBE_SET = 0x4f02,
	VBE_DONE = 0x004f,
	VBE_LINEAR = 0x4000,
	VBE_KEEP_PICTURE = 0x8000,
	MODES_POINTER = 14,
	MODE_PITCH = 16,
	MODE_WIDTH = 18,
	MODE_HEIGHT = 20,
	MODE_BITS = 25,
	MODE_ADDRESS = 40,

	WIDTH = 640,
	HEIGHT = 480,
	MOST_INSTRUCTIONS = 20000000
};

struct machine {
	struct example *example;
	uint32_t device; /* handle */
	uint32_t address;
	unsigned char *low;  /* 0 to 0x9ffff: ours */
	unsigned char *roms; /* the copy; the BIOS may write to its own, which stays here */
	uint32_t window;     /* handles */
	struct hwb_ports vga;
	struct hwb_ports dispi;
	uint32_t config; /* what was written to CONFIG_ADDRESS */
	unsigned long accesses, strange;
};

/* ---- the PC around the BIOS ---- */

static uint32_t all_ones(unsigned width)
{
	return width == 4 ? UINT32_MAX : (1u << 8 * width) - 1;
}

/* Aligned, as the broker wants it. */
static void use_window(struct machine *machine, uint32_t offset, unsigned width, uint32_t *value,
                       bool write)
{
	struct hwb_mem_op ops[4] = { { .offset = 0 } };
	unsigned each = offset % width == 0 ? width : 1;
	unsigned count = width / each;

	for (unsigned i = 0; i < count; i++)
		ops[i] = (struct hwb_mem_op){
			.offset = offset + i * each,
			.action = write ? HWB_BATCH_WRITE : HWB_BATCH_READ,
			.width = (uint8_t)each,
			.value = write ? (*value >> 8 * i * each) & all_ones(each) : 0,
		};
	example_demand(machine->example,
	               hwb_io_mem_batch(machine->example->client, machine->window, ops, count,
	                                &machine->example->error),
	               "use the VGA window");
	machine->accesses += count;
	for (unsigned i = 0; !write && i < count; i++)
		*value = (i == 0 ? 0 : *value) | (uint32_t)ops[i].value << 8 * i * each;
}

static void use_memory(struct machine *machine, uint32_t address, unsigned width, uint32_t *value,
                       bool write)
{
	unsigned char *at = NULL;

	if (address < WINDOW && width <= WINDOW - address)
		at = machine->low + address;
	else if (address >= ROMS && address < ROMS + ROMS_SIZE &&
	         width <= ROMS + ROMS_SIZE - address)
		at = machine->roms + (address - ROMS);
	else if (address >= WINDOW && address < WINDOW + WINDOW_SIZE &&
	         width <= WINDOW + WINDOW_SIZE - address) {
		use_window(machine, address - WINDOW, width, value, write);
		return;
	}
	if (at == NULL) {
		machine->strange++;
		if (!write)
			*value = all_ones(width);
	} else if (write) {
		memcpy(at, value, width);
	} else {
		*value = 0;
		memcpy(value, at, width);
	}
}

static bool is_vga(uint32_t port, unsigned width)
{
	return port >= VGA_PORTS && port + width <= VGA_PORTS + VGA_PORT_COUNT;
}

static bool is_dispi(uint32_t port, unsigned width)
{
	return port >= DISPI_PORTS && port + width <= DISPI_PORTS + DISPI_PORT_COUNT;
}

/* This card's is all that there is; what would be written is not. */
static uint32_t read_config(struct machine *machine, uint32_t port, unsigned width)
{
	uint32_t offset = (machine->config & 0xfc) + (port - CONFIG_DATA);
	uint32_t value;

	if ((machine->config & 0x80000000) == 0 ||
	    (machine->config >> 8 & 0xffff) != machine->address)
		return all_ones(width);
	example_demand(machine->example,
	               hwb_config_read(machine->example->client, machine->device, offset, width,
	                               &value, &machine->example->error),
	               "read configuration space");
	return value;
}

static void use_port(struct machine *machine, uint32_t port, unsigned width, uint32_t *value,
                     bool write)
{
	bool vga = is_vga(port, width);
	struct hwb_port_op op = { (uint16_t)port, write ? HWB_PORT_OUT : HWB_PORT_IN,
		                  (uint8_t)width, write ? *value & all_ones(width) : 0 };

	if (vga || is_dispi(port, width)) {
		example_demand(machine->example,
		               hwb_ports_run(vga ? &machine->vga : &machine->dispi, &op, 1,
		                             &machine->example->error),
		               "use the card's ports");
		machine->accesses++;
		if (!write)
			*value = op.value;
	} else if (port == CONFIG_ADDRESS && width == 4 && write) {
		machine->config = *value;
	} else if (port >= CONFIG_DATA && port + width <= CONFIG_DATA + 4 && !write) {
		*value = read_config(machine, port, width);
	} else {
		/* Timers and the like, which are not there. */
		machine->strange++;
		if (!write)
			*value = all_ones(width);
	}
}

static unsigned on_access(x86emu_t *emulator, u32 address, u32 *value, unsigned type)
{
	static const unsigned widths[] = { 1, 2, 4, 1 };
	struct machine *machine = emulator->_private;
	unsigned width = widths[type & 3];

	switch (type & ~0xffu) {
	case X86EMU_MEMIO_W:
		use_memory(machine, address, width, value, true);
		break;
	case X86EMU_MEMIO_I:
		use_port(machine, address, width, value, false);
		break;
	case X86EMU_MEMIO_O:
		use_port(machine, address, width, value, true);
		break;
	default:
		use_memory(machine, address, width, value, false);
		break;
	}
	return 0;
}

/* ---- running it ---- */

/* From 0:CODE on, up to a HLT. */
static void run(struct machine *machine, x86emu_t *emulator, const unsigned char *code, size_t size)
{
	memcpy(machine->low + CODE, code, size);
	x86emu_set_seg_register(emulator, emulator->x86.R_CS_SEL, 0);
	x86emu_set_seg_register(emulator, emulator->x86.R_DS_SEL, 0);
	x86emu_set_seg_register(emulator, emulator->x86.R_ES_SEL, 0);
	x86emu_set_seg_register(emulator, emulator->x86.R_SS_SEL, 0);
	emulator->x86.R_ESP = STACK;
	emulator->x86.R_EIP = CODE;
	emulator->x86.mode &= ~(unsigned)_MODE_HALTED;
	emulator->max_instr = emulator->x86.R_TSC + MOST_INSTRUCTIONS;
	unsigned status = x86emu_run(emulator, X86EMU_RUN_MAX_INSTR);
	if (status != 0 || emulator->x86.R_CS != 0)
		example_die(machine->example,
		            "the BIOS did not come back: status 0x%x at %04x:%04x", status,
		            emulator->x86.R_CS, emulator->x86.R_IP);
}

/* CALL FAR to the ROM's beginning, as the firmware does when it finds one; unless it has done so,
 * since when interrupt 0x10 is the ROM's. */
static void begin_rom(struct machine *machine, x86emu_t *emulator)
{
	uint32_t vector;

	memcpy(&vector, machine->low + VECTOR, sizeof(vector));
	uint32_t at = (vector >> 16 << 4) + (vector & 0xffff);
	if (at >= ROMS && at < ROMS + ROMS_SIZE) {
		example_say("the video BIOS is at 0x%x", at);
		return;
	}
	static const unsigned char call[] = {
		0x9a, 0x03, 0x00, ROMS >> 4 & 0xff, ROMS >> 12, 0xf4
	};

	emulator->x86.R_EAX = machine->address;
	run(machine, emulator, call, sizeof(call));
	example_say("the video BIOS has begun");
}

/* INT 0x10. Whether it says that it has done it. */
static bool ask_vbe(struct machine *machine, x86emu_t *emulator, uint32_t function, uint32_t b,
                    uint32_t c)
{
	static const unsigned char interrupt[] = { 0xcd, 0x10, 0xf4 };

	emulator->x86.R_EAX = function;
	emulator->x86.R_EBX = b;
	emulator->x86.R_ECX = c;
	emulator->x86.R_EDI = BUFFER;
	run(machine, emulator, interrupt, sizeof(interrupt));
	return emulator->x86.R_AX == VBE_DONE;
}

static uint32_t get(struct machine *machine, uint32_t address, unsigned width)
{
	uint32_t value;

	use_memory(machine, address, width, &value, false);
	return value;
}

struct mode {
	uint32_t number;
	uint32_t pitch;
	uint32_t address;
};

/* 32 bits a pixel, of that size. */
static bool find_mode(struct machine *machine, x86emu_t *emulator, struct mode *mode)
{
	memcpy(machine->low + BUFFER, "VBE2", 4);
	if (!ask_vbe(machine, emulator, VBE_CONTROLLER, 0, 0))
		return false;
	example_check(machine->example, memcmp(machine->low + BUFFER, "VESA", 4) == 0,
	              "the BIOS has VBE %u.%u", get(machine, BUFFER + 5, 1),
	              get(machine, BUFFER + 4, 1));
	uint32_t list = get(machine, BUFFER + MODES_POINTER, 2) +
	                (get(machine, BUFFER + MODES_POINTER + 2, 2) << 4);
	/* What is asked next may be answered where the list is. */
	uint16_t modes[256];
	unsigned count = 0;
	while (count < 256 &&
	       (modes[count] = (uint16_t)get(machine, list + 2 * count, 2)) != 0xffff)
		count++;
	for (unsigned i = 0; i < count; i++) {
		if (!ask_vbe(machine, emulator, VBE_MODE, 0, modes[i]) ||
		    get(machine, BUFFER + MODE_WIDTH, 2) != WIDTH ||
		    get(machine, BUFFER + MODE_HEIGHT, 2) != HEIGHT ||
		    get(machine, BUFFER + MODE_BITS, 1) != 32)
			continue;
		*mode = (struct mode){ modes[i], get(machine, BUFFER + MODE_PITCH, 2),
			               get(machine, BUFFER + MODE_ADDRESS, 4) };
		return true;
	}
	return false;
}

static void set_mode(struct machine *machine, x86emu_t *emulator, struct mode *mode)
{
	if (!find_mode(machine, emulator, mode))
		example_die(machine->example, "the BIOS has no mode of %dx%d with 32 bits a pixel",
		            WIDTH, HEIGHT);
	bool done = ask_vbe(machine, emulator, VBE_SET,
	                    mode->number | VBE_LINEAR | VBE_KEEP_PICTURE, 0);
	example_check(machine->example, done, "mode 0x%x is set: %dx%d, %u bytes a line",
	              mode->number, WIDTH, HEIGHT, mode->pitch);
}

/* ---- the picture ---- */

/* A chessboard in perspective under a sky with a sun. */
static uint32_t pixel(int x, int y)
{
	int dx = x - 3 * WIDTH / 4, dy = y - HEIGHT / 4;
	int horizon = HEIGHT / 2;

	if (y < horizon && dx * dx + dy * dy < 60 * 60)
		return 0xffe060;
	if (y < horizon)
		return 0x203060 + (uint32_t)(y * 0x60 / horizon) * 0x010101;
	int depth = HEIGHT * 64 / (y - horizon + 4), across = (x - WIDTH / 2) * depth / WIDTH;
	return ((depth / 48 + (across + 4096) / 48) & 1) != 0 ? 0xf0f0f0 : 0xb02020;
}

static void draw(struct example *example, volatile uint32_t *pixels, uint32_t pitch)
{
	unsigned wrong = 0;

	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			pixels[(uint32_t)y * (pitch / 4) + (uint32_t)x] = pixel(x, y);
	__sync_synchronize();
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			wrong += pixels[(uint32_t)y * (pitch / 4) + (uint32_t)x] != pixel(x, y);
	example_check(example, wrong == 0, "picture drawn and read back, %u pixels differ", wrong);
}

/* ---- what it needs ---- */

static struct hwb_pci_address find_card(struct example *example)
{
	struct hwb_list list = { 0 };
	struct hwb_device found;
	int count;

	while ((count = hwb_device_list(example->client, &list, &found, 1, &example->error)) > 0)
		if (found.class_code == CLASS_VGA)
			return found.address;
	example_demand(example, count, "list devices");
	example_die(example, "the policy gives client `%s' no VGA card",
	            example->client->hello.client);
}

static void open_memory(struct machine *machine)
{
	struct example *example = machine->example;
	struct hwb_region region;
	int fd;

	example_demand(
	        example,
	        hwb_io_mem_open(example->client, ROMS, ROMS_SIZE, 0, &region, &fd, &example->error),
	        "open the ROMs");
	example_check(example, (region.flags & HWB_REGION_COPY) != 0, "a copy of the ROMs");
	machine->roms = mmap(NULL, ROMS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	machine->low = calloc(1, WINDOW);
	if (machine->roms == MAP_FAILED || machine->low == NULL)
		example_die(example, "no memory for the BIOS");
	if (machine->roms[0] != 0x55 || machine->roms[1] != 0xaa)
		example_die(example, "there is no video BIOS at 0x%x", ROMS);
	example_demand(example,
	               hwb_io_mem_open(example->client, WINDOW, WINDOW_SIZE, 0, &region, &fd,
	                               &example->error),
	               "open the VGA window");
	example_check(example, (region.flags & HWB_REGION_MEDIATED) != 0 && fd < 0,
	              "the VGA window, by requests");
	machine->window = region.session;
}

/* One request: it is read as a block. */
static void copy_vectors(struct machine *machine)
{
	struct example *example = machine->example;
	struct hwb_mem_op ops[1 + VECTORS_SIZE / sizeof(struct hwb_mem_op)] = {
		{ .action = HWB_BATCH_READ_BLOCK, .width = 4, .value = VECTORS_SIZE / 4 },
	};
	struct hwb_region region;
	int fd;

	example_demand(
	        example,
	        hwb_io_mem_open(example->client, 0, VECTORS_SIZE, 0, &region, &fd, &example->error),
	        "open the interrupt vectors");
	example_demand(example,
	               hwb_io_mem_batch(example->client, region.session, ops,
	                                sizeof(ops) / sizeof(ops[0]), &example->error),
	               "read the interrupt vectors");
	memcpy(machine->low, &ops[1], VECTORS_SIZE);
}

static void open_ports(struct machine *machine)
{
	struct example *example = machine->example;

	example_demand(example,
	               hwb_ports_open(&machine->vga, example->client, VGA_PORTS, VGA_PORT_COUNT,
	                              hwb_posix_ports_native(VGA_PORTS, VGA_PORT_COUNT),
	                              &example->error),
	               "open the VGA ports");
	example_demand(example,
	               hwb_ports_open(&machine->dispi, example->client, DISPI_PORTS,
	                              DISPI_PORT_COUNT,
	                              hwb_posix_ports_native(DISPI_PORTS, DISPI_PORT_COUNT),
	                              &example->error),
	               "open ports 0x1ce-0x1d0");
}

int main(int argc, char **argv)
{
	const struct hwb_acquire_request request = { .bars = 1u << BAR_PIXELS,
		                                     .wc = 1u << BAR_PIXELS };
	struct example example;
	struct example_device device;
	struct machine machine = { .example = &example };
	struct mode mode;
	int seconds = 0;

	if (argc == 3 && strcmp(argv[1], "--hold") == 0) {
		seconds = atoi(argv[2]);
	} else if (argc > 1) {
		puts("Usage: vbe [--hold SECONDS]\n"
		     "Sets a mode of a VGA card by its own BIOS, and draws a picture.");
		return strcmp(argv[1], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	example_start(&example, "vbe");
	struct hwb_pci_address address = find_card(&example);
	example_acquire(&example, &address, &request, &device);
	machine.device = device.handle;
	machine.address = (uint32_t)(address.bus << 8 | address.device << 3 | address.function);
	open_memory(&machine);
	copy_vectors(&machine);
	open_ports(&machine);

	x86emu_t *emulator = x86emu_new(X86EMU_PERM_RWX, X86EMU_PERM_RW);
	if (emulator == NULL)
		example_die(&example, "no memory for the emulator");
	emulator->_private = &machine;
	x86emu_set_memio_handler(emulator, on_access);
	x86emu_reset(emulator);
	begin_rom(&machine, emulator);
	set_mode(&machine, emulator, &mode);
	uint64_t pixels = device.info.device.bars[BAR_PIXELS].address;
	example_check(&example, mode.address == pixels, "its framebuffer at 0x%x is the BAR",
	              mode.address);
	example_say("%llu instructions, %lu accesses by the broker, %lu to what is not there",
	            (unsigned long long)emulator->x86.R_TSC, machine.accesses, machine.strange);
	x86emu_done(emulator);
	draw(&example, example_map(&example, &device, BAR_PIXELS), mode.pitch);
	if (seconds > 0) {
		example_say("holding the picture for %d s", seconds);
		sleep((unsigned)seconds);
	}
	return example_end(&example);
}
