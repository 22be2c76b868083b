/* SPDX-License-Identifier: MIT */
/*
 * What the host's administrator does with an NVMe controller that has virtual functions: gives
 * each of them queues and interrupts and starts it (NVM Express Base Specification 1.4, 5.22,
 * "Virtualization Management"). As nvme-cli's `virt-mgmt' does, by Linux's ioctl for commands.
 *
 *   nvme-functions free NODE               what all have together is nobody's, from its reset on
 *   nvme-functions give NODE CONTROLLER... two queues and two interrupts each, and starts it
 */
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { MANAGEMENT = 0x1c };
enum { PRIMARY_ALLOCATE = 1, SECONDARY_ASSIGN = 8, SECONDARY_ONLINE = 9 };
enum { QUEUES = 0, INTERRUPTS = 1, EACH = 2 };

static int manage(int node, unsigned controller, unsigned resource, unsigned action, unsigned count)
{
	struct nvme_admin_cmd command = {
		.opcode = MANAGEMENT,
		.cdw10 = controller << 16 | resource << 8 | action,
		.cdw11 = count,
	};
	int result = ioctl(node, NVME_IOCTL_ADMIN_CMD, &command);

	if (result != 0)
		fprintf(stderr, "controller %u, action %u, resource %u: %s 0x%x\n", controller,
		        action, resource, result < 0 ? "error" : "status", (unsigned)result);
	return result;
}

static int give(int node, unsigned controller)
{
	return manage(node, controller, QUEUES, SECONDARY_ASSIGN, EACH) != 0 ||
	       manage(node, controller, INTERRUPTS, SECONDARY_ASSIGN, EACH) != 0 ||
	       manage(node, controller, QUEUES, SECONDARY_ONLINE, 0) != 0;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc < 3 || (strcmp(argv[1], "free") != 0 && strcmp(argv[1], "give") != 0)) {
		fputs("Usage: nvme-functions free|give NODE CONTROLLER...\n", stderr);
		return EXIT_FAILURE;
	}
	int node = open(argv[2], O_RDWR | O_CLOEXEC);
	if (node < 0) {
		perror(argv[2]);
		return EXIT_FAILURE;
	}
	if (strcmp(argv[1], "free") == 0)
		bad = manage(node, 0, QUEUES, PRIMARY_ALLOCATE, 0) != 0 ||
		      manage(node, 0, INTERRUPTS, PRIMARY_ALLOCATE, 0) != 0;
	else
		for (int i = 3; i < argc; i++)
			bad |= give(node, (unsigned)atoi(argv[i]));
	close(node);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
