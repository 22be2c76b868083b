/* SPDX-License-Identifier: MIT */
/* `revoke', `release' and `quarantine clear': what changes something for others. */
#include "broker.h"
#include "json.h"
#include "names.h"
#include "print.h"
#include "table.h"

#include <unistd.h>

void print_outcome(FILE *out, const struct hwb_pci_address *address,
                   const struct hwb_outcome_reply *outcome)
{
	char note[sizeof(outcome->note) + 1], text[32];

	names_address(address, text);
	snprintf(note, sizeof(note), "%.*s", (int)sizeof(outcome->note), outcome->note);
	table_make_printable(note);
	fprintf(out, "%s: %s%s%s\n", text, names_state(outcome->state), note[0] != '\0' ? ": " : "",
	        note);
}

/* `body` begins with the address of the device. */
static int order(const struct context *context, uint16_t opcode, const void *body, size_t length)
{
	const struct hwb_pci_address *address = body;
	struct hwb_outcome_reply outcome;
	struct broker broker;
	int status = broker_open_to_change(&broker, context);

	if (status != EXIT_OK)
		return status;
	if (isatty(STDERR_FILENO))
		fputs("waiting until it is at rest\n", stderr);
	status = broker_order(&broker, opcode, body, length, &outcome, sizeof(outcome));
	broker_close(&broker);
	if (status != EXIT_OK)
		return status;
	if (context->json)
		json_outcome(context->out, address, &outcome);
	else
		print_outcome(context->out, address, &outcome);
	/* A device that was to go to the host and is free all the same has a note. */
	return outcome.state == HWB_DEVICE_REVOKING || outcome.state == HWB_DEVICE_QUARANTINED ||
	                       outcome.note[0] != '\0'
	               ? EXIT_REFUSED
	               : EXIT_OK;
}

bool read_device(const struct context *context, struct hwb_pci_address *address)
{
	if (names_read_address(context->words[0], address))
		return true;
	fprintf(stderr,
	        "hwbroker-ctl: `%s' is no address of a device: they look like 0000:00:03.0\n"
	        "(`hwbroker-ctl list devices' shows them)\n",
	        context->words[0]);
	return false;
}

int revoke_device(const struct context *context)
{
	struct hwb_revoke_request request = { .flags = context->now ? HWB_REVOKE_NOW : 0 };

	return read_device(context, &request.address)
	               ? order(context, HWB_ADMIN_REVOKE, &request, sizeof(request))
	               : EXIT_WRONG_USAGE;
}

int clear_device(const struct context *context)
{
	struct hwb_clear_request request = { 0 };

	return read_device(context, &request.address)
	               ? order(context, HWB_ADMIN_CLEAR, &request, sizeof(request))
	               : EXIT_WRONG_USAGE;
}

int release_device(const struct context *context)
{
	struct hwb_release_request request = { 0 };

	return read_device(context, &request.address)
	               ? order(context, HWB_ADMIN_RELEASE, &request, sizeof(request))
	               : EXIT_WRONG_USAGE;
}
