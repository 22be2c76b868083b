/* SPDX-License-Identifier: MIT */
#include "policy/drop_ins.h"

#include "policy/array.h"
#include "policy/place.h"
#include "policy/safe_file.h"
#include "policy/text.h"
#include "util/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

static bool is_drop_in(const char *name)
{
	static const char ending[] = ".conf";
	size_t length = strlen(name);

	return name[0] != '.' && length >= sizeof(ending) &&
	       strcmp(name + length - (sizeof(ending) - 1), ending) == 0;
}

/* The first `length` bytes of `path`, a slash or nothing, and a name. NULL: no memory. */
static char *join(const char *path, size_t length, const char *slash, const char *name)
{
	size_t size = length + strlen(slash) + strlen(name) + 1;
	char *text = malloc(size);

	if (text != NULL)
		snprintf(text, size, "%.*s%s%s", (int)length, path, slash, name);
	return text;
}

static int add(struct drop_ins *drop_ins, const char *name, struct fault *fault)
{
	/* The policy file itself is one of them. */
	if (drop_ins->count == PLACE_FILES_MAX - 1)
		return fault_set(fault, HWB_INVALID, "has more than %d files; put some together",
		                 PLACE_FILES_MAX - 1);
	struct fault odd;
	if (text_check(name, strlen(name), &odd) != 0 || strchr(name, '\t') != NULL)
		return fault_set(fault, HWB_INVALID,
		                 "has a file whose name is not UTF-8, or has a control character; "
		                 "rename it (`ls -b' shows it)");
	char *path = NULL;
	if (array_room(&drop_ins->paths, &drop_ins->capacity, drop_ins->count,
	               sizeof(*drop_ins->paths)) == 0)
		path = join(drop_ins->folder, strlen(drop_ins->folder), "/", name);
	if (path == NULL)
		return fault_errno(fault, ENOMEM, "cannot read it");
	drop_ins->paths[drop_ins->count++] = path;
	return 0;
}

static int by_name(const void *left, const void *right)
{
	char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

int drop_ins_find(struct drop_ins *drop_ins, const char *path, struct fault *fault)
{
	const char *slash = strrchr(path, '/');
	const struct dirent *entry;
	int result = 0;

	*drop_ins = (struct drop_ins){ 0 };
	drop_ins->folder =
	        join(path, slash != NULL ? (size_t)(slash - path) + 1 : 0, "", "policy.d");
	if (drop_ins->folder == NULL)
		return fault_errno(fault, ENOMEM, "cannot read it");
	_cleanup_fd_ int fd = safe_folder_open(drop_ins->folder, fault);
	if (fd < 0)
		return fault->host_errno == ENOENT ? 0 : -1;
	_cleanup_dir_ DIR *folder = fdopendir(fd);
	if (folder == NULL)
		return fault_errno(fault, errno, "cannot read it");
	steal_fd(&fd);
	while (result == 0 && (errno = 0, entry = readdir(folder)) != NULL)
		if (is_drop_in(entry->d_name))
			result = add(drop_ins, entry->d_name, fault);
	if (result == 0 && errno != 0)
		result = fault_errno(fault, errno, "cannot read it");
	if (drop_ins->count > 0)
		qsort(drop_ins->paths, drop_ins->count, sizeof(*drop_ins->paths), by_name);
	return result;
}

void drop_ins_release(struct drop_ins *drop_ins)
{
	for (uint32_t i = 0; i < drop_ins->count; i++)
		free(drop_ins->paths[i]);
	free(drop_ins->paths);
	free(drop_ins->folder);
}
