/* SPDX-License-Identifier: MIT */
#include "session/admin/happening.h"

#include "session/admin/metrics.h"
#include "session/admin/trail.h"
#include "session/irq/line.h"
#include "session/name.h"

#include <hwbroker/codec.h>
#include <stdio.h>
#include <string.h>

void happening_pass(struct broker *broker, const struct happening *what)
{
	trail_note(broker, what);
	metrics_note(broker, what);
}

const char *happening_name(enum happening_kind kind)
{
	static const char *const names[HAPPENED_KINDS] = {
		[HAPPENED_GRANTED] = "granted",
		[HAPPENED_REFUSED] = "refused",
		[HAPPENED_ASKED_BACK] = "asked-back",
		[HAPPENED_REVOKED] = "revoked",
		[HAPPENED_HELD] = "held",
		[HAPPENED_RELEASED] = "released",
		[HAPPENED_QUARANTINED] = "quarantined",
		[HAPPENED_CLEARED] = "cleared",
		[HAPPENED_PORTS_GRANTED] = "ports-granted",
		[HAPPENED_PORTS_RELEASED] = "ports-released",
		[HAPPENED_CONNECTED] = "connected",
		[HAPPENED_DISCONNECTED] = "disconnected",
		[HAPPENED_NOT_ADMITTED] = "not-admitted",
		[HAPPENED_POLICY_LOADED] = "policy-loaded",
		[HAPPENED_POLICY_REFUSED] = "policy-refused",
		[HAPPENED_DEVICE_ARRIVED] = "device-arrived",
		[HAPPENED_DEVICE_LEFT] = "device-left",
		[HAPPENED_LINE_OPENED] = "line-opened",
		[HAPPENED_LINE_CLOSED] = "line-closed",
		[HAPPENED_MEMORY_GRANTED] = "memory-granted",
		[HAPPENED_MEMORY_RELEASED] = "memory-released",
	};
	return kind < HAPPENED_KINDS ? names[kind] : "?";
}

void happening_resource(const struct happening *what, char text[HAPPENING_RESOURCE_SIZE])
{
	if (what->resource != NULL)
		snprintf(text, HAPPENING_RESOURCE_SIZE, "%s", what->resource);
	else if (what->port_count != 0)
		snprintf(text, HAPPENING_RESOURCE_SIZE, "ports 0x%x-0x%x", what->port,
		         what->port + what->port_count - 1);
	else if (what->has_line)
		snprintf(text, HAPPENING_RESOURCE_SIZE, "interrupt %u", what->line);
	else
		snprintf(text, HAPPENING_RESOURCE_SIZE, "%s",
		         what->device != NULL ? what->device->name : "");
}

void happening_rule(const struct broker *broker, const struct happening *what,
                    char text[HAPPENING_RULE_SIZE])
{
	const struct policy_client *client = what->peer != NULL ? what->peer->client : NULL;
	struct policy_device about;
	struct policy_resource resource = { .kind = POLICY_PORTS,
		                            .offset = what->port,
		                            .count = what->port_count };
	struct policy_verdict verdict;

	text[0] = '\0';
	if (what->rule != NULL)
		snprintf(text, HAPPENING_RULE_SIZE, "%s", what->rule);
	if (what->rule != NULL ||
	    (what->device == NULL && what->port_count == 0 && !what->has_line))
		return;
	if (client == NULL)
		client = policy_client_named(broker->policy, what->client);
	if (what->device != NULL) {
		about = device_for_policy(what->device);
		resource = (struct policy_resource){ .kind = POLICY_DEVICE, .device = &about };
	}
	if (what->has_line)
		resource =
		        (struct policy_resource){ .kind = POLICY_INTERRUPT, .offset = what->line };
	policy_decide(broker->policy, client, &resource, &verdict);
	happening_cite(&verdict, text);
}

/* ---- the words ---- */

static void describe_refusal(const struct happening *what, const char *resource, char *text)
{
	snprintf(text, HAPPENING_TEXT_SIZE, "`%s' (pid %u, uid %u) is refused %s%s%s: %s",
	         what->client, what->pid, what->uid, hwb_opcode_name(what->opcode),
	         resource[0] != '\0' ? " of " : "", resource, what->reason);
}

static void describe_left(const struct happening *what, const char *resource, char *text)
{
	const struct device *device = what->device;

	snprintf(text, HAPPENING_TEXT_SIZE, "%s: has left the bus%s%s", resource,
	         device->session != NULL ? ", and is taken from its owner" : "",
	         device->state == LIFE_QUARANTINED ? ", quarantined" : "");
}

/* About a device, ports or memory. */
static void describe_use(const struct happening *what, const char *resource, char *text)
{
	const char *client = what->client;
	const char *reason = what->reason;
	enum { SIZE = HAPPENING_TEXT_SIZE };

	switch (what->kind) {
	case HAPPENED_GRANTED:
	case HAPPENED_PORTS_GRANTED:
	case HAPPENED_LINE_OPENED:
	case HAPPENED_MEMORY_GRANTED:
		snprintf(text, SIZE, "%s: granted to `%s' (pid %u)%s%s", resource, client,
		         what->pid, reason[0] != '\0' ? " " : "", reason);
		break;
	case HAPPENED_ASKED_BACK:
		snprintf(text, SIZE, "%s: `%s' (pid %u) is asked to give it back within %u s: %s",
		         resource, client, what->pid, what->device->grace, reason);
		break;
	case HAPPENED_REVOKED:
		snprintf(text, SIZE, "%s: taken from `%s' (pid %u): %s", resource, client,
		         what->pid, reason);
		break;
	case HAPPENED_HELD:
		snprintf(text, SIZE, "%s: kept from everybody, since %s", resource, reason);
		break;
	case HAPPENED_RELEASED:
		snprintf(text, SIZE, "%s: at rest%s%s%s, %s", resource,
		         client[0] != '\0' ? " after `" : "", client, client[0] != '\0' ? "'" : "",
		         reason);
		break;
	case HAPPENED_QUARANTINED:
		snprintf(text, SIZE, "%s: could not be brought to rest and is quarantined: %s",
		         resource, reason);
		break;
	case HAPPENED_CLEARED:
		snprintf(text, SIZE, "%s: uid %u lets it out of quarantine, if it comes to rest",
		         resource, what->uid);
		break;
	case HAPPENED_PORTS_RELEASED:
	case HAPPENED_LINE_CLOSED:
	case HAPPENED_MEMORY_RELEASED:
		snprintf(text, SIZE, "%s: given back by `%s' (pid %u)", resource, client,
		         what->pid);
		break;
	case HAPPENED_DEVICE_ARRIVED:
		snprintf(text, SIZE, "%s: %04x:%04x, class %06x, is on the bus", resource,
		         what->device->facts.vendor, what->device->facts.device,
		         what->device->facts.class_code);
		break;
	case HAPPENED_DEVICE_LEFT:
		describe_left(what, resource, text);
		break;
	default:
		snprintf(text, SIZE, "%s: %s", resource, reason);
		break;
	}
}

void happening_text(const struct happening *what, char text[HAPPENING_TEXT_SIZE])
{
	char resource[HAPPENING_RESOURCE_SIZE];
	enum { SIZE = HAPPENING_TEXT_SIZE };

	happening_resource(what, resource);
	switch (what->kind) {
	case HAPPENED_REFUSED:
		describe_refusal(what, resource, text);
		break;
	case HAPPENED_CONNECTED:
		snprintf(text, SIZE, "`%s' (pid %u, uid %u) has connected", what->client, what->pid,
		         what->uid);
		break;
	case HAPPENED_DISCONNECTED:
		snprintf(text, SIZE, "`%s' (pid %u, uid %u) has no connection any more: %s",
		         what->client, what->pid, what->uid, what->reason);
		break;
	case HAPPENED_NOT_ADMITTED:
		snprintf(text, SIZE, "uid %u (pid %u) is not admitted: %s", what->uid, what->pid,
		         what->reason);
		break;
	case HAPPENED_POLICY_LOADED:
		snprintf(text, SIZE, "policy reloaded: %s from %s", what->reason, resource);
		break;
	case HAPPENED_POLICY_REFUSED:
		snprintf(text, SIZE,
		         what->status == HWB_HOST_ERROR
		                 ? "%s cannot be read now: the policy in force stays"
		                 : "%s has mistakes: the policy in force stays",
		         resource);
		break;
	default:
		describe_use(what, resource, text);
		break;
	}
}

/* ---- refusals ---- */

/* Names a PCI function that may not be there. */
static void name_address(const void *body, char text[HAPPENING_RESOURCE_SIZE])
{
	struct hwb_pci_address address;

	memcpy(&address, body, sizeof(address));
	snprintf(text, HAPPENING_RESOURCE_SIZE, "%04x:%02x:%02x.%x", address.domain, address.bus,
	         address.device, address.function);
}

/* What the request names itself: a device by its address, or ports. */
static void read_body(const struct request *request, struct happening *what, const void *body,
                      char text[HAPPENING_RESOURCE_SIZE])
{
	struct hwb_acquire_any_request any;
	struct hwb_io_port_request ports;
	struct hwb_pci_address address;
	struct hwb_io_mem_request memory;

	switch (request->header.opcode) {
	case HWB_DEVICE_INFO:
	case HWB_DEVICE_ACQUIRE:
	case HWB_ADMIN_REVOKE:
	case HWB_ADMIN_CLEAR:
	case HWB_ADMIN_RELEASE:
		memcpy(&address, body, sizeof(address));
		what->device = inventory_find(&request->peer->broker->inventory, &address);
		name_address(body, text);
		what->resource = text;
		break;
	case HWB_DEVICE_ACQUIRE_ANY:
		memcpy(any.rule, body, sizeof(any.rule));
		snprintf(text, HAPPENING_RESOURCE_SIZE, "any of [device %s]",
		         is_section_name(any.rule) ? any.rule : "?");
		what->resource = text;
		break;
	case HWB_IO_PORT_OPEN:
		memcpy(&ports, body, sizeof(ports));
		what->port = ports.base;
		what->port_count = ports.count;
		break;
	case HWB_IRQ_OPEN_NUMBER:
		what->has_line = true;
		memcpy(&what->line, body, sizeof(what->line));
		break;
	case HWB_IO_MEM_OPEN:
		memcpy(&memory, body, sizeof(memory.base) + sizeof(memory.size));
		snprintf(text, HAPPENING_RESOURCE_SIZE, "memory 0x%llx, 0x%llx bytes",
		         (unsigned long long)memory.base, (unsigned long long)memory.size);
		what->resource = text;
		break;
	default:
		break;
	}
}

/* What the handle stands for that the request is about. */
static void read_session(const struct request *request, struct happening *what,
                         char text[HAPPENING_RESOURCE_SIZE])
{
	const struct session *session =
	        session_table_find(&request->peer->sessions, request->header.session, 0);

	if (session == NULL)
		return;
	switch (session->kind) {
	case HWB_SESSION_DEVICE:
		what->device = ((const struct device_session *)session)->device;
		break;
	case HWB_SESSION_IO_MEM:
		what->device = ((const struct region_session *)session)->device;
		if (region_is_memory((const struct region_session *)session)) {
			session_describe(session, text, HAPPENING_RESOURCE_SIZE);
			what->resource = text;
		}
		break;
	case HWB_SESSION_IRQ:
		what->device = ((const struct irq_session *)session)->device;
		break;
	case HWB_SESSION_IO_PORT:
		what->port = ((const struct port_session *)session)->base;
		what->port_count = ((const struct port_session *)session)->count;
		break;
	case HWB_SESSION_LINE:
		what->has_line = true;
		what->line = ((const struct line_session *)session)->number;
		break;
	case HWB_SESSION_DOMAIN:
		snprintf(text, HAPPENING_RESOURCE_SIZE, "domain %u", session->handle);
		what->resource = text;
		break;
	}
}

void happening_refused(const struct request *request, const struct fault *fault)
{
	struct happening what = {
		.kind = request->header.opcode == HWB_HELLO ? HAPPENED_NOT_ADMITTED
		                                            : HAPPENED_REFUSED,
		.peer = request->peer,
		.opcode = request->header.opcode,
		.status = fault->status,
		.reason = fault->reason,
		.candidates = request->candidates,
	};
	char text[HAPPENING_RESOURCE_SIZE];

	/* Who has hung up is refused nothing any more. */
	if (!peer_connected(request->peer))
		return;
	if (request->header.session != 0)
		read_session(request, &what, text);
	else if (request->head_length != 0)
		read_body(request, &what, request->head, text);
	happened(request->peer->broker, &what);
}
