/* SPDX-License-Identifier: MIT */
/*
 * Takes the device ADDRESS, prints "taken", and has it until its standard input ends: for
 * tests of what operators see of it, and do to it.
 */
#include <hwbroker/posix.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct hwb_acquire_request request = { 0 };
	struct hwb_acquire_reply reply;
	struct hwb_error error = { 0 };
	struct hwb_posix broker;
	unsigned bus, device, function;
	uint32_t session, fd_count = 0;
	int fds[HWB_FDS_MAX];
	char byte;

	if (argc != 2 || sscanf(argv[1], "%x:%x.%x", &bus, &device, &function) != 3) {
		fputs("Usage: take BUS:DEVICE.FUNCTION\n", stderr);
		return EXIT_FAILURE;
	}
	request.address.bus = (uint8_t)bus;
	request.address.device = (uint8_t)device;
	request.address.function = (uint8_t)function;
	int result = hwb_posix_open(&broker, NULL, NULL, NULL, &error);
	if (result == 0)
		result = hwb_device_acquire(&broker.client, &request, &session, &reply, fds,
		                            &fd_count, &error);
	if (result != 0) {
		hwb_posix_print_error("take", result, &error);
		return EXIT_FAILURE;
	}
	puts("taken");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	hwb_posix_close(&broker);
	return EXIT_SUCCESS;
}
