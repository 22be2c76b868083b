/* SPDX-License-Identifier: MIT */
/*
 * The policy. Input: a file, and, where it is a good one, questions about it behind the
 * line that ends it. What is loaded twice is the same; what is refused says where.
 */
#define _GNU_SOURCE /* memmem */
#include "input.h"

#include "policy/unit.h"
#include "policy/users.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static char path[64], names_path[64];

static void remove_file(void)
{
	unlink(path);
	unlink(names_path);
}

static const char names[] = "8086  Intel Corporation\n"
                            "\t10d3  82574L Gigabit Network Connection\n"
                            "\t\t8086 a01f  Gigabit CT Desktop Adapter\n"
                            "9004  Twice\n"
                            "9005  Twice\n"
                            "C 01  Mass storage controller\n"
                            "\t08  Non-Volatile memory controller\n"
                            "\t\t02  NVM Express\n";

static void write_names(void)
{
	int fd = open(names_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, names, strlen(names)) == (ssize_t)strlen(names),
	     "the names can be written");
	close(fd);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	snprintf(path, sizeof(path), "/dev/shm/hwbroker-fuzz-%d.conf", (int)getpid());
	snprintf(names_path, sizeof(names_path), "%s.ids", path);
	write_names();
	atexit(remove_file);
	return 0;
}

static int find(void *context, const char *name, uint32_t *id)
{
	(void)context;
	if (strcmp(name, "broken") == 0)
		return EIO;
	if (strcmp(name, "nobody-there") == 0)
		return ENOENT;
	*id = 1000 + (uint32_t)(strlen(name) % 8);
	return 0;
}

static const struct policy_users users = { .user = find, .group = find, .pci_ids = names_path };

static int load(struct policy **policy, char **report)
{
	*report = NULL;
	return policy_load_with(path, &users, policy, report);
}

static void check_report(const char *report)
{
	must(report != NULL && report[0] != '\0', "a mistake is told");
	must(report[strlen(report) - 1] == '\n', "a report ends with its line");
	for (const char *at = report; *at != '\0'; at++)
		must(*at == '\n' || *at == '\t' || (*at & 0x80) != 0 || (*at >= ' ' && *at < 0x7f),
		     "a report has no control characters");
	for (const char *line = report; *line != '\0'; line = strchr(line, '\n') + 1)
		must(strncmp(line, path, strlen(path)) == 0, "each line names the file");
}

static void check_verdict(const struct policy_verdict *verdict, bool client)
{
	if (verdict->granted) {
		must(client, "nobody is given nothing");
		must(verdict->section[0] != '\0' && verdict->line != 0, "a grant names its rule");
	} else {
		must(verdict->why.status != HWB_OK && verdict->why.reason[0] != '\0',
		     "a refusal has words");
	}
}

static const char *const cgroups[4] = {
	"", "0::/system.slice/foo.service\n", "0::/user.slice/user-1.slice/user@1.service/x\n",
	"1:name=systemd:/system.slice/system-a.slice/a@b.service\n0::/\n"
};

/* One of them, or none. */
static const char *pick(const char *const texts[4], struct input *input)
{
	return texts[take8(input) % 4];
}

static void ask(const struct policy *policy, struct input *input)
{
	static const char *const slots[4] = { NULL, "3", "40-1", "*" };
	static const char *const drivers[4] = { NULL, "e1000e", "virtio-pci", "?" };
	static const char *const paths[4] = { NULL, "/sys/devices/pci0000:00/0000:00:03.0",
		                              "/sys/devices/pci0000:00/0000:00:0b.0/0000:02:00.0",
		                              "" };
	gid_t groups[3];
	struct policy_subject subject = {
		.uid = 1000 + take8(input) % 9,
		.gid = 1000 + take8(input) % 9,
		.groups = groups,
		.group_count = take8(input) % 4u,
	};
	struct unit_place place;
	struct policy_device device = {
		.address = { .domain = take8(input) & 1,
		             .bus = take8(input),
		             .device = take8(input) & 31,
		             .function = take8(input) & 7 },
		.vendor = take16(input),
		.device = take16(input),
		.subsystem_vendor = take16(input),
		.subsystem_device = take16(input),
		.class_code = take32(input) & 0xffffff,
		.traits = { .slot = pick(slots, input),
		            .driver = pick(drivers, input),
		            .path = pick(paths, input) },
	};
	struct policy_resource resource = {
		.kind = (enum policy_kind)(take8(input) % (POLICY_MEMORY + 1)),
		.device = &device,
		.offset = take32(input),
		.count = take32(input),
		.changed = take32(input),
	};
	/* From what is there: the corpus stays what it means. */
	resource.base = (uint64_t)resource.changed << 4;
	resource.size = resource.count;
	struct policy_verdict verdict;

	for (size_t i = 0; i < 3; i++)
		groups[i] = 1000 + take8(input) % 9u;
	if (unit_of_cgroups(cgroups[take8(input) % 4], &place))
		subject.place = &place;
	const struct policy_client *client = policy_client_of(policy, &subject);
	must(policy_asks_for_units(policy) ||
	             policy_client_of(policy,
	                              &(struct policy_subject){
	                                      .uid = subject.uid,
	                                      .gid = subject.gid,
	                                      .groups = subject.groups,
	                                      .group_count = subject.group_count }) == client,
	     "a unit counts only where it is asked for");
	policy_may_query(policy, &subject);
	policy_decide(policy, client, &resource, &verdict);
	check_verdict(&verdict, client != NULL);
	if (client != NULL)
		must(policy_client_named(policy, client->name) == client,
		     "names are of one client");
	if (verdict.granted && resource.kind == POLICY_DEVICE)
		must(policy_rule_for(policy, &device)[0] != '\0', "a rule that gives is one");
	/* Nothing about a device goes without the device itself. */
	if (verdict.granted && resource.kind < POLICY_PORTS) {
		resource.kind = POLICY_DEVICE;
		policy_decide(policy, client, &resource, &verdict);
		must(verdict.granted, "parts of a device come with it");
	}
	if (verdict.granted && resource.kind == POLICY_MEMORY) {
		resource.base += resource.size - 1;
		resource.size = 1;
		policy_decide(policy, client, &resource, &verdict);
		must(verdict.granted, "a part of it comes with the whole");
	}
	resource.kind = POLICY_PORTS;
	policy_decide(policy, NULL, &resource, &verdict);
	must(!verdict.granted, "nobody is given nothing");
}

/* The questions are behind the first such line, which is no part of the file. */
static const char mark[] = "\n#?\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memmem(data, size, mark, strlen(mark));
	size_t length = end != NULL ? (size_t)(end - data) + 1 : size;
	struct input questions = { data + length, size - length };
	struct policy *policy = NULL, *again = NULL;
	char *report, *second;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, data, length) == (ssize_t)length, "the file can be written");
	close(fd);
	int result = load(&policy, &report);
	must(load(&again, &second) == result, "a file is good or not");
	if (result != 0) {
		check_report(report);
		must(second != NULL && strcmp(report, second) == 0,
		     "and its mistakes are the same");
		free(report);
		free(second);
		return 0;
	}
	must(report == NULL && policy_rule_count(policy) == policy_rule_count(again),
	     "a good file has no report");
	do
		ask(policy, &questions);
	while (questions.left != 0);
	policy_free(policy);
	policy_free(again);
	return 0;
}
