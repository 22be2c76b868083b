/* SPDX-License-Identifier: MIT */
/* `genode-devices' and `genode-platform-info': what Genode is told about devices. */
#include "broker.h"
#include "names.h"
#include "print.h"

#include <errno.h>
#include <hwbroker/genode.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL_SIZE = 64 /* as much as Genode takes of a property */ };

/* Cut text ends with a whole character: 10xxxxxx belongs to the byte before it. */
static void model_of(const struct hwb_device *device, char model[MODEL_SIZE])
{
	char name[128];
	size_t end = MODEL_SIZE - 1;

	names_device(device, name, sizeof(name));
	if (strlen(name) < end)
		end = strlen(name);
	while (end > 0 && ((unsigned char)name[end] & 0xc0) == 0x80)
		end--;
	memcpy(model, name, end);
	model[end] = '\0';
}

static int print_with(FILE *out, const struct hwb_device *devices, uint32_t count,
                      struct hwb_genode_property *properties, char (*models)[MODEL_SIZE])
{
	for (uint32_t i = 0; i < count; i++) {
		model_of(&devices[i], models[i]);
		properties[i] = (struct hwb_genode_property){ .device = i,
			                                      .name = "model",
			                                      .value = models[i] };
	}
	size_t size = 1 + hwb_genode_devices(devices, count, properties, count, NULL, 0);
	char *text = malloc(size);
	if (text == NULL)
		return -1;
	hwb_genode_devices(devices, count, properties, count, text, size);
	fputs(text, out);
	free(text);
	return 0;
}

int print_genode_devices(FILE *out, const struct hwb_device *devices, uint32_t count)
{
	struct hwb_genode_property *properties = calloc(count + 1, sizeof(*properties));
	char(*models)[MODEL_SIZE] = calloc(count + 1, MODEL_SIZE);
	int result = -1;

	if (properties != NULL && models != NULL)
		result = print_with(out, devices, count, properties, models);
	names_end();
	free(models);
	free(properties);
	return result;
}

/* ---- from the broker ---- */

static int next_devices(struct broker *broker, const char *as, struct hwb_list *list,
                        struct hwb_device *devices, uint32_t max, struct hwb_error *error)
{
	struct hwb_client *client = &broker->posix.client;

	return as != NULL ? hwb_admin_given(client, as, list, devices, max, error)
	                  : hwb_device_list(client, list, devices, max, error);
}

/* `devices` receives an array to be freed, also after an error. Its length, or an
 * error of the library's. */
static int fetch(struct broker *broker, const char *as, struct hwb_device **devices,
                 struct hwb_error *error)
{
	enum { STEP = 64 };
	static struct hwb_list list;
	int count = 0, more;

	*devices = NULL;
	do {
		struct hwb_device *larger =
		        realloc(*devices, ((size_t)count + STEP) * sizeof(**devices));
		if (larger == NULL)
			return -ENOMEM;
		*devices = larger;
		more = next_devices(broker, as, &list, larger + count, STEP, error);
		if (more < 0)
			return more;
		count += more;
	} while (more != 0);
	return count;
}

static int show_given(struct broker *broker, const struct context *context)
{
	static const char clients[] =
	        "Without --as, only a user whom the policy names in a [client] section may.\n";
	char what[64 + HWB_NAME_SIZE] = "hwbroker-ctl";
	struct hwb_error error = { 0 };
	struct hwb_device *devices;
	int count = fetch(broker, context->as, &devices, &error), status = EXIT_OK;

	if (context->as != NULL)
		snprintf(what, sizeof(what), "hwbroker-ctl: client `%s'", context->as);
	if (count >= 0 && print_genode_devices(context->out, devices, (uint32_t)count) != 0)
		count = -ENOMEM;
	if (count < 0)
		status = broker_explain(what, count, &error,
		                        context->as != NULL ? broker_operators : clients);
	if (count == 0)
		fprintf(stderr, "%s: the policy gives it no device\n", what);
	free(devices);
	return status;
}

int genode_devices(const struct context *context)
{
	struct hwb_error error = { 0 };
	struct broker broker;

	if (context->as != NULL && strlen(context->as) >= HWB_NAME_SIZE) {
		fprintf(stderr, "hwbroker-ctl: no client can be called `%s': that is too long\n",
		        context->as);
		return EXIT_WRONG_USAGE;
	}
	int result = broker_connect(&broker, context, &error);
	if (result != 0)
		return broker_explain("hwbroker-ctl", result, &error, broker_operators);
	int status = show_given(&broker, context);
	broker_close(&broker);
	return status;
}

/* ---- without it ---- */

/* The number that `text` starts with, if `end` is behind it; moves on behind that. */
static bool take_number(const char **text, char end, uint64_t max, uint64_t *value)
{
	char *behind;

	if (**text < '0' || **text > '9') /* no sign, no space */
		return false;
	errno = 0;
	*value = strtoull(*text, &behind, 0);
	if (errno != 0 || *value > max || *behind != end)
		return false;
	*text = end == '\0' ? behind : behind + 1;
	return true;
}

/* ADDRESS,WIDTHxHEIGHTxBITS,PITCH. */
static bool read_framebuffer(const char *text, struct hwb_genode_framebuffer *framebuffer)
{
	uint64_t address, width, height, bits, pitch;

	if (!take_number(&text, ',', UINT64_MAX, &address) ||
	    !take_number(&text, 'x', UINT16_MAX, &width) ||
	    !take_number(&text, 'x', UINT16_MAX, &height) ||
	    !take_number(&text, ',', UINT8_MAX, &bits) ||
	    !take_number(&text, '\0', UINT32_MAX, &pitch))
		return false;
	if (width == 0 || height == 0 || bits == 0 || pitch * 8 < width * bits)
		return false;
	*framebuffer = (struct hwb_genode_framebuffer){ address, (uint32_t)width, (uint32_t)height,
		                                        (uint32_t)bits, (uint32_t)pitch };
	return true;
}

int print_genode_platform_info(FILE *out, const char *framebuffer)
{
	struct hwb_genode_framebuffer screen;
	char text[512];

	if (framebuffer != NULL && !read_framebuffer(framebuffer, &screen))
		return -1;
	hwb_genode_platform_info(framebuffer != NULL ? &screen : NULL, text, sizeof(text));
	fputs(text, out);
	return 0;
}

int genode_platform_info(const struct context *context)
{
	if (print_genode_platform_info(context->out, context->framebuffer) == 0)
		return EXIT_OK;
	fprintf(stderr,
	        "hwbroker-ctl: `%s' is not a framebuffer: ADDRESS,WIDTHxHEIGHTxBITS,PITCH, where\n"
	        "PITCH is the bytes of a line, for example 0xfd000000,1024x768x32,4096\n",
	        context->framebuffer);
	return EXIT_WRONG_USAGE;
}
