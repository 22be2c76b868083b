/* SPDX-License-Identifier: MIT */
/*
 * The PC's keyboard (Intel 8042 controller) through ports 0x60 and 0x64 and interrupt 1, which
 * no PCI function has: prints the names of the keys that are pressed, until Escape.
 *
 * The interrupt comes by a UIO device or, usually, is polled: then the driver looks at the
 * controller each time that its clock beats. Both are the same loop. The host's driver must
 * have let go of the controller: `echo i8042 > /sys/bus/platform/drivers/i8042/unbind'.
 */
#include "example.h"

#include <hwbroker/ports.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	PORT_DATA = 0x60,
	PORT_STATUS = 0x64, /* read; written: commands */

	STATUS_OUTPUT = 0x01, /* a byte waits to be read */
	STATUS_INPUT = 0x02,  /* the last one written is not taken yet */
	STATUS_MOUSE = 0x20,  /* what waits is the mouse's */

	COMMAND_READ_CONFIG = 0x20,
	COMMAND_WRITE_CONFIG = 0x60,
	COMMAND_DISABLE_MOUSE = 0xa7,
	COMMAND_DISABLE_KEYBOARD = 0xad,
	COMMAND_ENABLE_KEYBOARD = 0xae,

	CONFIG_INTERRUPT = 0x01,
	CONFIG_KEYBOARD_OFF = 0x10,
	CONFIG_TRANSLATE = 0x40, /* to scan code set 1 */

	KEYBOARD_SCAN = 0xf4, /* tell of keys */
	KEYBOARD_OK = 0xfa,

	KEY_RELEASED = 0x80,
	KEY_ESCAPE = 0x01,
	KEY_PREFIX = 0xe0,

	INTERRUPT = 1,
	TRIES = 1000,
	AT_ONCE = 16 /* bytes that are read before the driver waits again */
};

/* Scan code set 1, as US keyboards are labelled. */
static const char *const keys[0x59] = {
	[0x01] = "Escape",
	"1",
	"2",
	"3",
	"4",
	"5",
	"6",
	"7",
	"8",
	"9",
	"0",
	"-",
	"=",
	"Backspace",
	"Tab",
	"q",
	"w",
	"e",
	"r",
	"t",
	"y",
	"u",
	"i",
	"o",
	"p",
	"[",
	"]",
	"Enter",
	"Control",
	"a",
	"s",
	"d",
	"f",
	"g",
	"h",
	"j",
	"k",
	"l",
	";",
	"'",
	"`",
	"Shift",
	"\\",
	"z",
	"x",
	"c",
	"v",
	"b",
	"n",
	"m",
	",",
	".",
	"/",
	"Shift",
	"keypad *",
	"Alt",
	"Space",
	"Caps Lock",
	"F1",
	"F2",
	"F3",
	"F4",
	"F5",
	"F6",
	"F7",
	"F8",
	"F9",
	"F10",
	"Num Lock",
	"Scroll Lock",
	"keypad 7",
	"keypad 8",
	"keypad 9",
	"keypad -",
	"keypad 4",
	"keypad 5",
	"keypad 6",
	"keypad +",
	"keypad 1",
	"keypad 2",
	"keypad 3",
	"keypad 0",
	"keypad .",
	[0x57] = "F11",
	"F12",
};

/* The same behind a prefix. */
static const char *extended(uint8_t code)
{
	switch (code) {
	case 0x1c:
		return "keypad Enter";
	case 0x48:
		return "Up";
	case 0x4b:
		return "Left";
	case 0x4d:
		return "Right";
	case 0x50:
		return "Down";
	default:
		return NULL;
	}
}

struct controller {
	struct example *example;
	struct hwb_ports data, status;
	bool prefixed; /* the last byte was KEY_PREFIX */
};

static uint8_t read_port(struct controller *self, struct hwb_ports *ports, uint16_t port)
{
	struct hwb_port_op op = { port, HWB_PORT_IN, 1, 0 };

	example_demand(self->example, hwb_ports_run(ports, &op, 1, &self->example->error),
	               "read a port");
	return (uint8_t)op.value;
}

static void write_port(struct controller *self, struct hwb_ports *ports, uint16_t port,
                       uint8_t value)
{
	struct hwb_port_op op = { port, HWB_PORT_OUT, 1, value };

	for (int tries = 0; tries < TRIES; tries++)
		if ((read_port(self, &self->status, PORT_STATUS) & STATUS_INPUT) == 0)
			break;
	example_demand(self->example, hwb_ports_run(ports, &op, 1, &self->example->error),
	               "write a port");
}

static void command(struct controller *self, uint8_t command)
{
	write_port(self, &self->status, PORT_STATUS, command);
}

/* False: nothing waits. What the mouse says is passed over. */
static bool take(struct controller *self, uint8_t *byte)
{
	uint8_t status = read_port(self, &self->status, PORT_STATUS);

	if ((status & STATUS_OUTPUT) == 0)
		return false;
	*byte = read_port(self, &self->data, PORT_DATA);
	return (status & STATUS_MOUSE) == 0;
}

static uint8_t expect(struct controller *self, const char *what)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint8_t byte;

	for (int tries = 0; tries < TRIES; tries++) {
		if (take(self, &byte))
			return byte;
		nanosleep(&pause, NULL);
	}
	example_die(self->example, "the controller does not answer %s", what);
}

static void start(struct controller *self, bool interrupts)
{
	uint8_t byte;

	command(self, COMMAND_DISABLE_KEYBOARD);
	command(self, COMMAND_DISABLE_MOUSE);
	for (int i = 0; i < AT_ONCE; i++)
		take(self, &byte);
	command(self, COMMAND_READ_CONFIG);
	uint32_t config = expect(self, "what it is set to");
	config = (config | CONFIG_TRANSLATE) & ~(uint32_t)(CONFIG_KEYBOARD_OFF | CONFIG_INTERRUPT);
	if (interrupts)
		config |= CONFIG_INTERRUPT;
	command(self, COMMAND_WRITE_CONFIG);
	write_port(self, &self->data, PORT_DATA, (uint8_t)config);
	command(self, COMMAND_ENABLE_KEYBOARD);
	write_port(self, &self->data, PORT_DATA, KEYBOARD_SCAN);
	example_check(self->example, expect(self, "the keyboard's part") == KEYBOARD_OK,
	              "the keyboard is there, and tells of keys");
}

/* False: that was the last. */
static bool key(struct controller *self, uint8_t byte)
{
	bool prefixed = self->prefixed;
	const char *name = NULL;

	self->prefixed = byte == KEY_PREFIX;
	if (self->prefixed || (byte & KEY_RELEASED) != 0)
		return true;
	if (prefixed)
		name = extended(byte);
	else if (byte < sizeof(keys) / sizeof(keys[0]))
		name = keys[byte];
	if (name != NULL)
		example_say("key: %s", name);
	else
		example_say("key: code %s%02x", prefixed ? "e0 " : "", byte);
	return prefixed || byte != KEY_ESCAPE;
}

static void drive(struct controller *self, const struct hwb_line *line, const int fds[2])
{
	uint8_t byte;
	bool more = true;

	while (more) {
		if (example_wait(fds[0], -1) == 0)
			example_die(self->example, "cannot wait for the interrupt");
		for (int i = 0; i < AT_ONCE && more && take(self, &byte); i++)
			more = key(self, byte);
		if (line->source == HWB_LINE_UIO)
			example_demand(self->example,
			               hwb_irq_ack(self->example->client, line->session,
			                           &self->example->error),
			               "acknowledge the interrupt");
	}
}

int main(int argc, char **argv)
{
	struct example example;
	struct controller self = { .example = &example };
	struct hwb_line line;
	int fds[2];

	if (argc > 1) {
		puts("Usage: ps2\n"
		     "Prints the names of the keys that are pressed, until Escape.");
		return strcmp(argv[1], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	example_start(&example, "ps2");
	/* By instructions if the program was started with these ports, else by requests. */
	example_demand(&example,
	               hwb_ports_open(&self.data, example.client, PORT_DATA, 1,
	                              hwb_posix_ports_native(PORT_DATA, 1), &example.error),
	               "open port 0x60");
	example_demand(&example,
	               hwb_ports_open(&self.status, example.client, PORT_STATUS, 1,
	                              hwb_posix_ports_native(PORT_STATUS, 1), &example.error),
	               "open port 0x64");
	example_demand(&example,
	               hwb_irq_open_number(example.client, INTERRUPT, &line, fds, &example.error),
	               "open interrupt 1");
	if (line.source == HWB_LINE_UIO)
		example_say("interrupt 1 comes by a UIO device");
	else
		example_say("interrupt 1 is polled, %u times a second", line.rate);
	start(&self, line.source == HWB_LINE_UIO);
	drive(&self, &line, fds);
	return example_end(&example);
}
