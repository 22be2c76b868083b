/* SPDX-License-Identifier: MIT */
/*
 * bench-policy RULES: nanoseconds that it has a processor for to load a policy of so many
 * rules, and to decide. Half of the rules are of one client, for an address each; the others
 * are of a client each, for the same class of devices.
 */
#define _POSIX_C_SOURCE 200809L /* mkstemp */
#include "measure.h"

#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_policy(const char *path, unsigned rules)
{
	FILE *file = fopen(path, "w");

	if (file == NULL) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	fputs("[client a]\nuser = 4000000\n", file);
	for (unsigned i = 0; i < rules / 2; i++)
		fprintf(file, "[device d%u]\nclient = a\naddress = %04x:%02x:%02x.%x\ntake = yes\n",
		        i, i >> 16, i >> 8 & 255, i >> 3 & 31, i & 7);
	for (unsigned i = rules / 2; i < rules; i++)
		fprintf(file,
		        "[client c%u]\nuser = %u\n[device d%u]\nclient = c%u\nclass = network\n", i,
		        1000 + i, i, i);
	fclose(file);
}

static struct policy_device device_at(unsigned number)
{
	return (struct policy_device){
		.address = { .domain = (uint16_t)(number >> 16),
		             .bus = (uint8_t)(number >> 8),
		             .device = number >> 3 & 31,
		             .function = number & 7 },
		.class_code = 0x020000,
	};
}

/* Each device for the client that has a rule for each; and for another one. */
static uint64_t decide(const struct policy *policy, unsigned rules)
{
	const struct policy_client *clients[] = { policy_client_named(policy, "a"),
		                                  policy_client_at(policy, rules / 4) };
	struct policy_verdict verdict;
	unsigned granted = 0;
	uint64_t start = measure_cpu();

	for (unsigned i = 0; i < rules; i++) {
		struct policy_device device = device_at(i % (rules / 2));
		struct policy_resource resource = { .kind = POLICY_DEVICE, .device = &device };
		policy_decide(policy, clients[i / (rules / 2) % 2], &resource, &verdict);
		granted += verdict.granted;
	}
	uint64_t spent = measure_cpu() - start;
	if (granted != rules) {
		fprintf(stderr, "%u of %u were granted: %s\n", granted, rules, verdict.why.reason);
		exit(EXIT_FAILURE);
	}
	return spent;
}

int main(int argc, char **argv)
{
	unsigned rules = argc == 2 ? (unsigned)atoi(argv[1]) / 2 * 2 : 0;
	char path[] = "/tmp/bench-policy-XXXXXX";
	struct policy *policy = NULL;
	char *report = NULL;

	if (rules == 0 || close(mkstemp(path)) != 0) {
		fputs("Usage: bench-policy RULES\n", stderr);
		return EXIT_FAILURE;
	}
	write_policy(path, rules);
	uint64_t start = measure_cpu();
	int result = policy_load(path, &policy, &report);
	uint64_t loaded = measure_cpu();
	unlink(path);
	if (result != 0) {
		fputs(report != NULL ? report : "no memory\n", stderr);
		return EXIT_FAILURE;
	}
	decide(policy, rules);
	measure_print(start, loaded, 1);
	measure_print(0, decide(policy, rules), rules);
	policy_free(policy);
	return EXIT_SUCCESS;
}
