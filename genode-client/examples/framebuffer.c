/* SPDX-License-Identifier: MIT */
/*
 * QEMU's bochs-display: sets a mode through its registers and draws a picture
 * into the write-combined framebuffer.
 * Registers: QEMU, docs/specs/standard-vga (Bochs DISPI interface).
 */
#include "example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	VENDOR = 0x1234,
	DEVICE = 0x1111,
	BAR_PIXELS = 0,
	BAR_REGISTERS = 2,

	DISPI = 0x500, /* 16-bit registers, by index */
	INDEX_ID = 0,
	INDEX_XRES = 1,
	INDEX_YRES = 2,
	INDEX_BPP = 3,
	INDEX_ENABLE = 4,
	INDEX_VIRT_WIDTH = 6,
	INDEX_X_OFFSET = 8,
	INDEX_Y_OFFSET = 9,
	ENABLED = 0x01,
	LINEAR = 0x40,
	NO_CLEAR = 0x80,
	ID_MASK = 0xfff0,
	ID_VALUE = 0xb0c0,

	WIDTH = 640,
	HEIGHT = 480,
	SCALE = 10
};

/* 5 by 7 dots, a row a byte. */
static const struct glyph {
	char letter;
	unsigned char rows[7];
} font[] = {
	{ 'H', { 0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11 } },
	{ 'W', { 0x11, 0x11, 0x11, 0x15, 0x15, 0x1b, 0x11 } },
	{ 'B', { 0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e } },
	{ 'R', { 0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11 } },
	{ 'O', { 0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e } },
	{ 'K', { 0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11 } },
	{ 'E', { 0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f } },
};

static volatile uint16_t *dispi(volatile void *registers, unsigned index)
{
	return (volatile uint16_t *)((volatile unsigned char *)registers + DISPI) + index;
}

static void set_mode(struct example *example, volatile void *registers)
{
	uint16_t id = *dispi(registers, INDEX_ID);

	example_check(example, (id & ID_MASK) == ID_VALUE, "display interface 0x%04x", id);
	*dispi(registers, INDEX_ENABLE) = 0;
	*dispi(registers, INDEX_XRES) = WIDTH;
	*dispi(registers, INDEX_YRES) = HEIGHT;
	*dispi(registers, INDEX_BPP) = 32;
	*dispi(registers, INDEX_VIRT_WIDTH) = WIDTH;
	*dispi(registers, INDEX_X_OFFSET) = 0;
	*dispi(registers, INDEX_Y_OFFSET) = 0;
	*dispi(registers, INDEX_ENABLE) = ENABLED | LINEAR | NO_CLEAR;
	example_check(example,
	              *dispi(registers, INDEX_XRES) == WIDTH &&
	                      *dispi(registers, INDEX_YRES) == HEIGHT,
	              "mode %dx%d, 32 bits a pixel", WIDTH, HEIGHT);
}

static uint32_t rgb(unsigned red, unsigned green, unsigned blue)
{
	return red << 16 | green << 8 | blue;
}

static bool in_text(int x, int y)
{
	static const char text[] = "HWBROKER";
	int left = (WIDTH - (int)(sizeof(text) - 1) * 6 * SCALE + SCALE) / 2;
	int top = HEIGHT / 2 - 7 * SCALE / 2;
	int column = (x - left) / SCALE, row = (y - top) / SCALE;

	if (x < left || y < top || row >= 7 || column / 6 >= (int)sizeof(text) - 1 ||
	    column % 6 == 5)
		return false;
	for (unsigned i = 0; i < sizeof(font) / sizeof(font[0]); i++)
		if (font[i].letter == text[column / 6])
			return (font[i].rows[row] >> (4 - column % 6) & 1) != 0;
	return false;
}

/* What belongs at a place: colour bars above, a sun, the name, a gradient. */
static uint32_t pixel(int x, int y)
{
	static const uint32_t bars[] = { 0xffffff, 0xffff00, 0x00ffff, 0x00ff00,
		                         0xff00ff, 0xff0000, 0x0000ff, 0x000000 };
	int dx = x - WIDTH / 2, dy = y - HEIGHT / 2;

	if (in_text(x, y))
		return 0xffffff;
	if (y < 60)
		return bars[x * 8 / WIDTH];
	if (y >= HEIGHT - 40)
		return rgb((unsigned)(x * 255 / WIDTH), (unsigned)(x * 255 / WIDTH),
		           (unsigned)(x * 255 / WIDTH));
	if (dx * dx + dy * dy < 150 * 150)
		return rgb(230, (unsigned)(120 + (y - 90) * 100 / 300), 40);
	return rgb((unsigned)(x * 60 / WIDTH), (unsigned)(40 + y * 60 / HEIGHT),
	           (unsigned)(90 + y * 120 / HEIGHT));
}

static void draw(struct example *example, volatile uint32_t *pixels)
{
	double start = example_now();
	unsigned wrong = 0;

	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			pixels[y * WIDTH + x] = pixel(x, y);
	/* Write-combining holds writes back until a barrier. */
	__sync_synchronize();
	example_say("%d pixels drawn in %.0f ms", WIDTH * HEIGHT, (example_now() - start) * 1e3);
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			wrong += pixels[y * WIDTH + x] != pixel(x, y);
	example_check(example, wrong == 0, "picture read back, %u pixels differ", wrong);
}

/* Until somebody has looked: releasing the display resets it. */
static void hold(int seconds)
{
	example_say("holding the picture for %d s", seconds);
	sleep((unsigned)seconds);
}

int main(int argc, char **argv)
{
	const struct hwb_acquire_request request = {
		.bars = 1u << BAR_PIXELS | 1u << BAR_REGISTERS,
		.wc = 1u << BAR_PIXELS,
	};
	struct example example;
	struct example_device device;
	const char *address_text = NULL;
	int seconds = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--hold") == 0 && i + 1 < argc) {
			seconds = atoi(argv[++i]);
		} else if (argv[i][0] != '-') {
			address_text = argv[i];
		} else {
			puts("Usage: framebuffer [ADDRESS] [--hold SECONDS]\n"
			     "Draws a picture on QEMU's bochs-display.");
			return strcmp(argv[i], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
		}
	}
	example_start(&example, "framebuffer");
	struct hwb_pci_address address = example_find(&example, address_text, VENDOR, DEVICE);
	example_acquire(&example, &address, &request, &device);
	volatile void *registers = example_map(&example, &device, BAR_REGISTERS);
	volatile uint32_t *pixels = example_map(&example, &device, BAR_PIXELS);
	example_check(&example, (device.info.regions[BAR_PIXELS].flags & HWB_REGION_WC) != 0,
	              "the framebuffer is write-combined");
	set_mode(&example, registers);
	draw(&example, pixels);
	if (seconds > 0)
		hold(seconds);
	return example_end(&example);
}
