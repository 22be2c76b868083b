/* SPDX-License-Identifier: MIT */
/* `generate-policy': finds the devices that were named, and those that go with them. */
#include "broker.h"
#include "generate.h"
#include "json_build.h"
#include "names.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

enum { RESETS_SIZE = 96 };

/* The kernel's ways to reset it, as sysfs has them; "": none. */
static void read_resets(const struct hwb_pci_address *address, char resets[RESETS_SIZE])
{
	char name[32], path[80];

	names_address(address, name);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset_method", name);
	resets[0] = '\0';
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return;
	if (fgets(resets, RESETS_SIZE, file) == NULL)
		resets[0] = '\0';
	resets[strcspn(resets, "\n")] = '\0';
	fclose(file);
}

/* Which of the records has the address of this word; `count`: none, and stderr says so. */
static size_t find(const struct hwb_admin_device *records, size_t count, const char *word,
                   int *status)
{
	struct hwb_pci_address address;
	char text[32];

	if (!names_read_address(word, &address)) {
		fprintf(stderr,
		        "hwbroker-ctl: `%s' is no address of a device: they look like "
		        "0000:00:03.0\n(`hwbroker-ctl list devices' shows them)\n",
		        word);
		*status = EXIT_WRONG_USAGE;
		return count;
	}
	for (size_t i = 0; i < count; i++)
		if (memcmp(&records[i].device.address, &address, sizeof(address)) == 0)
			return i;
	names_address(&address, text);
	fprintf(stderr,
	        "hwbroker-ctl: no device %s is on the bus (`hwbroker-ctl list devices' shows "
	        "them)\n",
	        text);
	*status = EXIT_REFUSED;
	return count;
}

static bool goes_with(const struct hwb_device *device, const struct hwb_device *other)
{
	return device->iommu_group != UINT32_MAX && device->iommu_group == other->iommu_group;
}

/* Marks those that were named with 2, and with 1 those of their groups. */
static int mark(const struct context *context, const struct hwb_admin_device *records, size_t count,
                unsigned char *marks)
{
	int status = EXIT_OK;

	for (unsigned i = 0; i < context->word_count; i++) {
		size_t at = find(records, count, context->words[i], &status);
		if (at == count)
			return status;
		marks[at] = 2;
		for (size_t j = 0; j < count; j++)
			if (marks[j] == 0 && goes_with(&records[at].device, &records[j].device))
				marks[j] = 1;
	}
	return EXIT_OK;
}

/* The same for programs: what is written for people, and where it belongs. */
static int json_generated(FILE *out, const struct generate *what, bool known)
{
	json_t *object = json_object();
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (file != NULL) {
		generate_policy(file, what);
		fclose(file);
	}
	if (text == NULL) {
		fputs("hwbroker-ctl: no memory for the policy\n", stderr);
		json_decref(object);
		return EXIT_REFUSED;
	}
	json_set(object, "client", json_string(what->client));
	json_set(object, "user", json_string(what->user));
	json_set(object, "user_exists", json_boolean(known));
	json_set(object, "file", json_sprintf("/etc/hwbroker/policy.d/%s.conf", what->client));
	json_set(object, "policy", json_text(text, size));
	json_finish(out, object);
	free(text);
	return EXIT_OK;
}

static int generate(const struct context *context, struct generate *what,
                    const struct hwb_admin_device *records, size_t count)
{
	struct generate_device *devices = calloc(count + 1, sizeof(*devices));
	char(*resets)[RESETS_SIZE] = calloc(count + 1, sizeof(*resets));
	unsigned char *marks = calloc(count + 1, 1);
	int status = EXIT_REFUSED;

	what->devices = devices;
	if (devices == NULL || resets == NULL || marks == NULL)
		fputs("hwbroker-ctl: no memory for the policy\n", stderr);
	else
		status = mark(context, records, count, marks);
	for (size_t i = 0; status == EXIT_OK && i < count; i++) {
		if (marks[i] == 0)
			continue;
		struct generate_device *device = &devices[what->count];
		read_resets(&records[i].device.address, resets[what->count]);
		*device = (struct generate_device){ .record = &records[i], .asked = marks[i] == 2 };
		if (resets[what->count][0] != '\0')
			device->resets = resets[what->count];
		what->count++;
	}
	if (status == EXIT_OK) {
		bool known = getpwnam(what->user) != NULL;
		if (context->json)
			status = json_generated(context->out, what, known);
		else
			generate_policy(context->out, what);
		names_end();
		if (!known && !context->json)
			fprintf(stderr,
			        "hwbroker-ctl: there is no user `%s' yet, which `hwbrokerd "
			        "--check' will say, too: name one by --user, or make it\n",
			        what->user);
	}
	free(marks);
	free(resets);
	free(devices);
	return status;
}

int show_generated(const struct context *context)
{
	struct generate what = { .client = context->client,
		                 .user = context->user != NULL ? context->user : context->client };
	struct broker broker;
	void *records = NULL;
	size_t count = 0;

	if (context->client == NULL || !generate_is_name(context->client)) {
		fputs(context->client == NULL
		              ? "hwbroker-ctl: `generate-policy' needs --client NAME: what the\n"
		                "policy is to call who gets the devices\n"
		              : "hwbroker-ctl: the name of a client has up to 31 letters, digits,\n"
		                "`_', `-' and `.'\n",
		      stderr);
		return EXIT_WRONG_USAGE;
	}
	if (context->user != NULL && strpbrk(context->user, " \t\n,;#[]=") != NULL) {
		fputs("hwbroker-ctl: --user takes the name of one user\n", stderr);
		return EXIT_WRONG_USAGE;
	}
	if (generate_read_legacy(&what, context) != 0)
		return EXIT_WRONG_USAGE;
	if (context->word_count == 0) {
		if (what.ports_count + what.memory_count + what.line_count != 0)
			return generate(context, &what, NULL, 0);
		fputs("hwbroker-ctl: `generate-policy' needs the address of a device, such as\n"
		      "0000:00:03.0, or --ports, --memory or --interrupt\n",
		      stderr);
		return EXIT_WRONG_USAGE;
	}
	int status = broker_open(&broker, context);
	if (status != EXIT_OK)
		return status;
	status = broker_list(&broker, HWB_ADMIN_DEVICES, sizeof(struct hwb_admin_device), &records,
	                     &count);
	broker_close(&broker);
	if (status != EXIT_OK)
		return status;
	status = generate(context, &what, records, count);
	free(records);
	return status;
}
