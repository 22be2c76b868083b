/* SPDX-License-Identifier: MIT */
#include "overseer.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { START_MS = 20000, STEP_MS = 20 };

static void pause_ms(int ms)
{
	const struct timespec pause = { 0, ms * 1000000L };

	nanosleep(&pause, NULL);
}

void overseer_disconnect(struct overseer *overseer)
{
	hwb_posix_close(&overseer->posix);
}

/* ---- what it is asked ---- */

struct page {
	struct hwb_list_reply head;
	uint64_t records[HWB_MESSAGE_MAX / 8 - 5];
};

static bool ask(struct overseer *overseer, uint16_t opcode, const void *body, size_t length,
                void *reply, uint32_t size)
{
	struct hwb_call call = { .reply = reply, .reply_size = size };
	struct hwb_client *client = &overseer->posix.client;

	return hwb_begin(client, &call, opcode, 0, body, length, -1) == 0 &&
	       hwb_finish(client, &call) == 0;
}

struct status {
	struct hwb_status_reply head;
	char text[HWB_MESSAGE_MAX - sizeof(struct hwb_header) - sizeof(struct hwb_status_reply)];
};

static bool ask_status(struct overseer *overseer, struct status *status)
{
	return ask(overseer, HWB_ADMIN_STATUS, NULL, 0, status, sizeof(*status));
}

/* Who answers says who it is: the kernel tells of a socket who made it, and that may be kept
 * from one daemon to the next. */
bool overseer_connect(struct overseer *overseer, pid_t before)
{
	struct status status;

	for (int waited = 0; waited < START_MS; waited += STEP_MS) {
		if (hwb_posix_open(&overseer->posix, NULL, NULL, NULL, NULL) == 0) {
			if (ask_status(overseer, &status) && (pid_t)status.head.pid != before) {
				overseer->daemon = (pid_t)status.head.pid;
				return true;
			}
			hwb_posix_close(&overseer->posix);
		}
		pause_ms(STEP_MS);
	}
	return false;
}

static void count_device(struct overseer_view *view, const void *record)
{
	const struct hwb_admin_device *device = record;

	view->revoking += device->device.state == HWB_DEVICE_REVOKING;
	view->quarantined += device->device.state == HWB_DEVICE_QUARANTINED;
}

static void count_client(struct overseer_view *view, const void *record)
{
	const struct hwb_admin_client *client = record;

	/* Told with each of its connections. */
	if (client->mappings > view->mappings)
		view->mappings = client->mappings;
}

static bool each(struct overseer *overseer, uint16_t opcode, struct overseer_view *view,
                 void (*count)(struct overseer_view *view, const void *record))
{
	struct hwb_list_request request = { 0 };
	struct page page;

	do {
		if (!ask(overseer, opcode, &request, sizeof(request), &page, sizeof(page)))
			return false;
		for (uint32_t i = 0; i < page.head.count; i++)
			count(view, (const char *)page.records + i * page.head.record_size);
		request.cursor = page.head.next;
	} while (request.cursor != 0);
	return true;
}

/* ---- what it has ---- */

static int count_fds(pid_t pid)
{
	char path[32];
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *directory = opendir(path);
	if (directory == NULL)
		return -1;
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

/* A number of /proc/PID/status, such as "VmRSS"; -1: there is none. */
static long status_number(pid_t pid, const char *name)
{
	char path[32], line[128];
	size_t length = strlen(name);
	long number = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	while (file != NULL && number < 0 && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, length) == 0)
			sscanf(line + length, ": %ld", &number);
	if (file != NULL)
		fclose(file);
	return number;
}

bool overseer_look(struct overseer *overseer, struct overseer_view *view)
{
	struct status status;

	memset(view, 0, sizeof(*view));
	if (!ask_status(overseer, &status) ||
	    !each(overseer, HWB_ADMIN_DEVICES, view, count_device) ||
	    !each(overseer, HWB_ADMIN_CLIENTS, view, count_client))
		return false;
	view->connections = status.head.connections - 1;
	view->sessions = status.head.sessions;
	view->granted = status.head.devices_granted;
	view->dma_bytes = status.head.dma_bytes;
	view->fds = count_fds(overseer->daemon);
	view->threads = status_number(overseer->daemon, "Threads");
	view->resident_kib = status_number(overseer->daemon, "VmRSS");
	return true;
}
