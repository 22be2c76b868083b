/* SPDX-License-Identifier: MIT */
/* The reference of a request that returns a descriptor: seatd's, through libseat. Nanoseconds
 * of one that opens a device, and one that closes it. */
#include "measure.h"

#include <libseat.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void enable(struct libseat *seat, void *enabled)
{
	(void)seat;
	*(int *)enabled = 1;
}

static void disable(struct libseat *seat, void *enabled)
{
	(void)enabled;
	libseat_disable_seat(seat);
}

static void round_trip(struct libseat *seat, const char *path)
{
	int fd;
	int device = libseat_open_device(seat, path, &fd);

	if (device < 0 || fd < 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	close(fd);
	libseat_close_device(seat, device);
}

int main(int argc, char **argv)
{
	const struct libseat_seat_listener listener = { .enable_seat = enable,
		                                        .disable_seat = disable };
	unsigned count = argc == 3 ? (unsigned)atoi(argv[1]) : 0;
	int enabled = 0;

	if (count == 0) {
		fputs("Usage: bench-seat COUNT /dev/input/eventN\n", stderr);
		return EXIT_FAILURE;
	}
	setenv("LIBSEAT_BACKEND", "seatd", 1);
	struct libseat *seat = libseat_open_seat(&listener, &enabled);
	if (seat == NULL) {
		perror("seat");
		return EXIT_FAILURE;
	}
	while (!enabled && libseat_dispatch(seat, -1) >= 0)
		;
	for (unsigned i = 0; i < count / 10; i++)
		round_trip(seat, argv[2]);
	uint64_t start = measure_now();
	for (unsigned i = 0; i < count; i++)
		round_trip(seat, argv[2]);
	measure_print(start, measure_now(), count);
	libseat_close_seat(seat);
	return EXIT_SUCCESS;
}
