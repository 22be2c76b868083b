/* SPDX-License-Identifier: MIT */
/* `status': what the daemon is, and what it lacks. */
#include "broker.h"
#include "findings.h"
#include "json.h"
#include "names.h"
#include "print.h"
#include "table.h"

#include <string.h>

static const char *yes_no(uint32_t flags, uint32_t bit)
{
	return (flags & bit) != 0 ? "yes" : "no";
}

/* A label and a text of at most `size` bytes that came from the broker. */
static void print_text(FILE *out, const char *label, const char *text, size_t size)
{
	char copy[HWB_MESSAGE_MAX];

	snprintf(copy, sizeof(copy), "%.*s", (int)size, text);
	table_make_printable(copy);
	fprintf(out, "%s%s", label, copy);
}

void print_status(FILE *out, unsigned width, const struct hwb_status_reply *status,
                  const char *text)
{
	static const char problem[] = "Problem: ";
	char uptime[16], bytes[16];

	names_duration(status->uptime_ms, uptime);
	names_size(status->dma_bytes, bytes);
	print_text(out, "hwbrokerd ", status->version, HWB_NAME_SIZE);
	fprintf(out, ", pid %u, up %s\n", status->pid, uptime);
	print_text(out, "Backend:              ", status->backend, HWB_NAME_SIZE);
	fputc('\n', out);
	fprintf(out, "IOMMU:                %s\n", yes_no(status->flags, HWB_STATUS_IOMMU));
	fprintf(out, "Interrupt remapping:  %s\n",
	        yes_no(status->flags, HWB_STATUS_INTERRUPT_REMAPPING));
	fprintf(out, "VFIO:                 %s\n", yes_no(status->flags, HWB_STATUS_VFIO));
	fprintf(out, "Kernel locked down:   %s\n", yes_no(status->flags, HWB_STATUS_LOCKDOWN));
	fprintf(out, "Sessions at restart:  %s\n",
	        (status->flags & HWB_STATUS_RESUMES) != 0 ? "go on" : "end");
	print_text(out, "Policy:               ", status->policy, sizeof(status->policy));
	fprintf(out, ", %u rule%s\n", status->rules, status->rules == 1 ? "" : "s");
	fprintf(out, "Devices:              %u, of which %u granted\n", status->devices,
	        status->devices_granted);
	fprintf(out, "Connections:          %u with %u sessions\n", status->connections,
	        status->sessions);
	fprintf(out, "DMA memory:           %s\n", bytes);
	fprintf(out, "Requests served:      %llu\n", (unsigned long long)status->requests);
	fprintf(out, "Workers:              %u, of which %u busy\n", status->workers,
	        status->workers_busy);
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		fputs(problem, out);
		findings_hang(out, sizeof(problem) - 1, width, text, length);
		text += length + (text[length] == '\n');
	}
}

int show_status(const struct context *context)
{
	struct broker broker;
	static union {
		struct hwb_status_reply status;
		char bytes[HWB_MESSAGE_MAX + 1];
	} reply;
	uint32_t length;
	int status = broker_open(&broker, context);

	if (status != EXIT_OK)
		return status;
	status = broker_ask(&broker, HWB_ADMIN_STATUS, &reply, HWB_MESSAGE_MAX, &length);
	broker_close(&broker);
	if (status != EXIT_OK)
		return status;
	reply.bytes[length] = '\0';
	const char *text = reply.bytes + sizeof(reply.status);
	if (context->json)
		json_status(context->out, &reply.status, text);
	else
		print_status(context->out, context->width, &reply.status, text);
	return EXIT_OK;
}
