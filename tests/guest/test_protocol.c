/* SPDX-License-Identifier: MIT */
/*
 * Hostile input on the wire, against the running daemon, as an unprivileged
 * user: what PROTOCOL.md says of broken packets, order, handles and flow.
 *
 * Raw sockets on purpose: the client library could not say such things. After
 * each test a well-behaved connection must be served at once. Whether the daemon
 * closed descriptors that it was sent shows at the other end of a pipe.
 *
 * The socket is $HWBROKER_SOCKET, or the usual one. The policy must make this
 * user a client; tests use devices, ports and domains if they are granted.
 */
#include "protocol_parts.h"
#include "suite.h"

#include <signal.h>

int main(void)
{
	static const struct {
		const char *name;
		void (*add)(TCase *tests);
	} cases[] = {
		{ "packets", add_packets }, { "descriptors", add_descriptors },
		{ "hello", add_hello },     { "handles", add_handles },
		{ "flow", add_flow },       { "values", add_values },
	};
	Suite *suite = suite_create("protocol");

	/* The daemon hangs up on most of these. */
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		TCase *tests = tcase_create(cases[i].name);
		cases[i].add(tests);
		tcase_set_timeout(tests, 60);
		tcase_add_checked_fixture(tests, NULL, witness);
		suite_add_tcase(suite, tests);
	}
	return suite_run(suite);
}
