/* SPDX-License-Identifier: MIT */
/*
 * hwb-conformance: whether what answers at a socket is a broker as PROTOCOL.md has it,
 * rule by rule; or (--serve) such a broker, for a client that is to be tested.
 */
#include "kit.h"

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHECK_SECONDS = 90, RULES_MAX = 400 };
enum result { NOT_RUN, HOLDS, SKIPPED, BROKEN };

/* From a check to the one who runs it; short enough for a pipe to keep it whole. */
struct verdict {
	char rule[48];
	enum result result;
	char text[512];
};

static const struct check *const groups[] = {
	packet_checks, hello_checks,  handle_checks,  flow_checks,  device_checks,
	config_checks, memory_checks, port_checks,    irq_checks,   line_checks,
	domain_checks, dma_checks,    dma_map_checks, admin_checks,
};

static struct rule {
	const struct check *check;
	struct verdict verdict;
	bool chosen, printed;
} rules[RULES_MAX];
static size_t rule_count;

/* In a check's process: where verdicts go, and which rule it is about. */
static int verdicts = -1;
static const char *current;

__attribute__((format(printf, 3, 0))) static void tell(const char *rule, enum result result,
                                                       const char *format, va_list arguments)
{
	struct verdict verdict = { .result = result };

	snprintf(verdict.rule, sizeof(verdict.rule), "%s", rule);
	vsnprintf(verdict.text, sizeof(verdict.text), format, arguments);
	if (write(verdicts, &verdict, sizeof(verdict)) != (ssize_t)sizeof(verdict))
		_exit(2);
}

void wrong(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(current, BROKEN, format, arguments);
	va_end(arguments);
	_exit(1);
}

void skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(current, SKIPPED, format, arguments);
	va_end(arguments);
	_exit(0);
}

void violated(const char *rule, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(rule, BROKEN, format, arguments);
	va_end(arguments);
}

void need_device(void)
{
	if (!facts.device.there)
		skip("needs a device with a memory BAR that this user may acquire");
}

void need_dma(void)
{
	need_device();
	if ((facts.features & FEATURE_DMA) == 0 || (facts.device.flags & DEVICE_MAY_DMA) == 0)
		skip("needs an IOMMU, and a device that this user may do DMA with");
}

void need_ports(void)
{
	if ((facts.features & FEATURE_IO_PORT) == 0 || facts.ports == 0)
		skip("needs legacy ports that this user may open (--ports)");
}

void need_edu(void)
{
	need_dma();
	if (!is_edu(&facts.device))
		skip("needs QEMU's edu device (1234:11e8), which can be told to do something");
}

static struct rule *find(const char *name)
{
	for (size_t i = 0; i < rule_count; i++)
		if (strcmp(rules[i].check->rule, name) == 0)
			return &rules[i];
	return NULL;
}

static void print(struct rule *rule)
{
	static const char *const words[] = { "skip", "ok", "skip", "not ok" };
	const struct verdict *verdict = &rule->verdict;
	const char *text = verdict->text;

	rule->printed = true;
	if (!rule->chosen)
		return;
	if (verdict->result == NOT_RUN)
		text = "no packet that it speaks of came";
	if (verdict->result == HOLDS)
		text = rule->check->what;
	printf("%s R-%s: %s\n", words[verdict->result], rule->check->rule, text);
	fflush(stdout);
}

/* The first that is wrong with a rule counts. */
static void note(const char *name, enum result result, const char *text)
{
	struct rule *rule = find(name);

	if (rule == NULL || rule->verdict.result >= BROKEN)
		return;
	rule->verdict.result = result;
	snprintf(rule->verdict.text, sizeof(rule->verdict.text), "%s", text);
}

static void run(struct rule *rule)
{
	const struct check *check = rule->check;
	struct verdict verdict;
	int ends[2], status = 0;

	fflush(stdout);
	if (pipe(ends) != 0) {
		perror("hwb-conformance: pipe");
		exit(2);
	}
	pid_t child = fork();
	if (child < 0) {
		perror("hwb-conformance: fork");
		exit(2);
	}
	if (child == 0) {
		close(ends[0]);
		verdicts = ends[1];
		current = check->rule;
		alarm(CHECK_SECONDS);
		check->run();
		_exit(0);
	}
	close(ends[1]);
	note(check->rule, HOLDS, "");
	while (read(ends[0], &verdict, sizeof(verdict)) == (ssize_t)sizeof(verdict))
		note(verdict.rule, verdict.result, verdict.text);
	close(ends[0]);
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status)) {
		char text[128];
		snprintf(text, sizeof(text), "expected an end of the check, got: %s",
		         WTERMSIG(status) == SIGALRM ? "no answer in 90 s"
		                                     : strsignal(WTERMSIG(status)));
		note(check->rule, BROKEN, text);
	}
}

/* Audited rules are known at the end: any packet may break them. */
static void run_all(bool quick)
{
	bool all = false;

	for (size_t i = 0; i < rule_count; i++)
		all = all || (rules[i].chosen && rules[i].check->run == NULL);
	for (size_t i = 0; i < rule_count; i++) {
		struct rule *rule = &rules[i];
		if (rule->check->run == NULL || (!all && !rule->chosen))
			continue;
		if (rule->check->slow && quick)
			note(rule->check->rule, SKIPPED, "takes seconds, left out by --quick");
		else
			run(rule);
		if (rule->verdict.result != HOLDS)
			print(rule);
	}
	for (size_t i = 0; i < rule_count; i++) {
		struct rule *rule = &rules[i];
		if (rule->check->run == NULL && rule->verdict.result == NOT_RUN && all)
			rule->verdict.result = HOLDS;
		if (!rule->printed && (rule->chosen || rule->verdict.result == BROKEN)) {
			rule->chosen = true;
			print(rule);
		}
	}
}

static int summary(void)
{
	size_t count[4] = { 0 };

	for (size_t i = 0; i < rule_count; i++)
		if (rules[i].chosen)
			count[rules[i].verdict.result]++;
	printf("%zu held, %zu did not, %zu skipped\n", count[HOLDS], count[BROKEN],
	       count[SKIPPED] + count[NOT_RUN]);
	return count[BROKEN] == 0 ? 0 : 1;
}

static void show_facts(void)
{
	printf("# client \"%s\", features 0x%llx, %u requests, %u handles\n", facts.client,
	       (unsigned long long)facts.features, facts.requests_max, facts.sessions_max);
	if (facts.device.there)
		printf("# device %04x:%04x at %04x:%02x:%02x.%x, BAR %d of 0x%llx bytes\n",
		       facts.device.vendor, facts.device.id,
		       (unsigned)facts.device.address & 0xffff,
		       (unsigned)(facts.device.address >> 32) & 0xff,
		       (unsigned)(facts.device.address >> 40) & 0xff,
		       (unsigned)(facts.device.address >> 48) & 0xff, facts.device.bar,
		       (unsigned long long)facts.device.bar_size);
	else
		printf("# no device with a memory BAR can be had\n");
	if (facts.io.there)
		printf("# device %04x:%04x has an I/O BAR\n", facts.io.vendor, facts.io.id);
}

static bool parse_device(const char *text)
{
	unsigned segment = 0, bus, device, function;
	char rest;

	if (sscanf(text, "%x:%x:%x.%x%c", &segment, &bus, &device, &function, &rest) != 4) {
		segment = 0;
		if (sscanf(text, "%x:%x.%x%c", &bus, &device, &function, &rest) != 3)
			return false;
	}
	facts.any_device = false;
	facts.wanted_device =
	        segment | (uint64_t)bus << 32 | (uint64_t)device << 40 | (uint64_t)function << 48;
	return true;
}

static bool parse_ports(const char *text)
{
	unsigned first, last;
	char rest;

	if (strcmp(text, "none") == 0) {
		facts.ports = 0;
		return true;
	}
	if (sscanf(text, "%x-%x%c", &first, &last, &rest) != 2 || first > last || last > 0xffff)
		return false;
	facts.port = first;
	facts.ports = last - first + 1;
	return true;
}

static int usage(FILE *file, int status)
{
	fputs("Usage: hwb-conformance [--socket PATH] [--device ADDRESS] [--ports FIRST-LAST]\n"
	      "                       [--config-write OFFSET] [--rule NAME] [--quick] [--list] [RULE...]\n"
	      "       hwb-conformance --serve PATH [--future] [--break RULE]\n"
	      "Checks a broker by the rules of PROTOCOL.md, all or those named; or serves as one.\n"
	      "\n"
	      "  --socket PATH           of the broker; " DEFAULT_SOCKET "\n"
	      "  --device ADDRESS        to use, such as 00:03.0; default: the first that fits\n"
	      "  --ports FIRST-LAST      legacy ports that may be opened and read, in hexadecimal,\n"
	      "                          or `none'; default: 40-43\n"
	      "  --config-write OFFSET   a byte of the device's configuration space that the\n"
	      "                          policy lets this user write, in hexadecimal\n"
	      "  --rule NAME             a [device NAME] section of the policy that gives this user\n"
	      "                          one device or several\n"
	      "  --quick                 leave out what takes seconds\n"
	      "  --list                  print the rules and what is checked\n"
	      "  --serve PATH            be a broker, with devices that are made up\n"
	      "  --future                a broker that knows more than the document\n"
	      "  --break RULE            a broker that does not keep this rule\n"
	      "Exit status: 0: all hold or were skipped; 1: some do not; 2: could not run.\n",
	      file);
	return status;
}

static int list_rules(void)
{
	for (size_t i = 0; i < rule_count; i++)
		printf("R-%s: %s\n", rules[i].check->rule, rules[i].check->what);
	return 0;
}

static int check_broker(char **names, bool quick)
{
	for (size_t i = 0; i < rule_count; i++)
		rules[i].chosen = *names == NULL;
	for (; *names != NULL; names++) {
		const char *name = strncmp(*names, "R-", 2) == 0 ? *names + 2 : *names;
		struct rule *rule = find(name);
		if (rule == NULL) {
			fprintf(stderr, "hwb-conformance: no check for a rule `%s'; see --list\n",
			        *names);
			return 2;
		}
		rule->chosen = true;
	}
	if (!find_facts())
		return 2;
	show_facts();
	run_all(quick);
	return summary();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "device", required_argument, NULL, 'd' },
		{ "ports", required_argument, NULL, 'p' },
		{ "config-write", required_argument, NULL, 'c' },
		{ "rule", required_argument, NULL, 'r' },
		{ "quick", no_argument, NULL, 'q' },
		{ "list", no_argument, NULL, 'l' },
		{ "serve", required_argument, NULL, 'S' },
		{ "break", required_argument, NULL, 'B' },
		{ "future", no_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *served = NULL, *broken = NULL;
	bool quick = false, listed = false, future = false;
	int option;

	for (size_t group = 0; group < sizeof(groups) / sizeof(groups[0]); group++)
		for (const struct check *check = groups[group]; check->rule != NULL; check++)
			rules[rule_count++].check = check;
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			facts.path = optarg;
			break;
		case 'd':
			if (!parse_device(optarg))
				return usage(stderr, 2);
			break;
		case 'p':
			if (!parse_ports(optarg))
				return usage(stderr, 2);
			break;
		case 'c':
			facts.config_write = (int)strtoul(optarg, NULL, 16);
			break;
		case 'r':
			facts.rule = optarg;
			break;
		case 'q':
			quick = true;
			break;
		case 'l':
			listed = true;
			break;
		case 'S':
			served = optarg;
			break;
		case 'B':
			broken = strncmp(optarg, "R-", 2) == 0 ? optarg + 2 : optarg;
			break;
		case 'F':
			future = true;
			break;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	if (listed)
		return list_rules();
	if (served != NULL)
		return serve(served, broken, future);
	if (broken != NULL || future)
		return usage(stderr, 2);
	return check_broker(argv + optind, quick);
}
