/* SPDX-License-Identifier: MIT */
/*
 * Takes the device ADDRESS, or with any:RULE any that this rule gives, prints "taken" and its
 * address, and has it until its standard input ends: for tests of what operators see of it, and
 * do to it.
 */
#include <hwbroker/posix.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int take(struct hwb_client *client, const char *what, struct hwb_acquire_reply *reply,
                struct hwb_error *error)
{
	static const char any[] = "any:";
	struct hwb_acquire_request request = { 0 };
	struct hwb_acquire_any_request choice = { 0 };
	unsigned bus, device, function;
	uint32_t session, fd_count = 0;
	int fds[HWB_FDS_MAX];

	if (strncmp(what, any, strlen(any)) == 0) {
		snprintf(choice.rule, sizeof(choice.rule), "%s", what + strlen(any));
		return hwb_device_acquire_any(client, &choice, &session, reply, fds, &fd_count,
		                              error);
	}
	if (sscanf(what, "%x:%x.%x", &bus, &device, &function) != 3) {
		fputs("take: no address of a device\n", stderr);
		exit(EXIT_FAILURE);
	}
	request.address.bus = (uint8_t)bus;
	request.address.device = (uint8_t)device;
	request.address.function = (uint8_t)function;
	return hwb_device_acquire(client, &request, &session, reply, fds, &fd_count, error);
}

int main(int argc, char **argv)
{
	struct hwb_acquire_reply reply;
	struct hwb_error error = { 0 };
	struct hwb_posix broker;
	char byte;

	if (argc != 2) {
		fputs("Usage: take BUS:DEVICE.FUNCTION, or any:RULE\n", stderr);
		return EXIT_FAILURE;
	}
	int result = hwb_posix_open(&broker, NULL, NULL, NULL, &error);
	if (result == 0)
		result = take(&broker.client, argv[1], &reply, &error);
	if (result != 0) {
		hwb_posix_print_error("take", result, &error);
		return EXIT_FAILURE;
	}
	const struct hwb_pci_address *at = &reply.device.address;
	printf("taken %02x:%02x.%x\n", at->bus, at->device, at->function);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	hwb_posix_close(&broker);
	return EXIT_SUCCESS;
}
