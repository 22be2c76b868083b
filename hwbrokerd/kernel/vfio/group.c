/* SPDX-License-Identifier: MIT */
/* Groups in domains: all open devices of a group are in one domain. */
#include "kernel/vfio/vfio.h"

#include "util/cleanup.h"

#include <sys/eventfd.h>

/* The lock guards the list. An entry itself is touched by jobs of that group's
 * strand only, one at a time, so attaching, which may pin gigabytes, holds up
 * nobody else. */
static pthread_mutex_t groups_lock = PTHREAD_MUTEX_INITIALIZER;
static struct vfio_group *groups;

static struct vfio_group *find_group(uint32_t id)
{
	pthread_mutex_lock(&groups_lock);
	struct vfio_group *group = groups;
	while (group != NULL && group->id != id)
		group = group->next;
	pthread_mutex_unlock(&groups_lock);
	return group;
}

/* NULL: no memory. */
static struct vfio_group *new_group(uint32_t id, struct kernel_domain *domain, struct fault *fault)
{
	struct vfio_group *group = calloc(1, sizeof(*group));

	if (group == NULL) {
		fault_set(fault, HWB_NO_MEMORY, "no memory for a group");
		return NULL;
	}
	group->id = id;
	group->domain = domain;
	group->devices = 1;
	return group;
}

static void enlist(struct vfio_group *group)
{
	pthread_mutex_lock(&groups_lock);
	group->next = groups;
	groups = group;
	pthread_mutex_unlock(&groups_lock);
}

static int add_group(uint32_t id, struct kernel_domain *domain, struct vfio_group **group,
                     struct fault *fault)
{
	_cleanup_free_ struct vfio_group *made = new_group(id, domain, fault);
	int fd = -1;

	if (made == NULL || domain->way->enter(domain, id, &fd, fault) != 0)
		return -1;
	made->fd = fd;
	enlist(made);
	*group = steal_pointer(&made);
	return 0;
}

int vfio_group_resume(uint32_t id, struct kernel_domain *domain, int fd, struct vfio_group **group,
                      struct fault *fault)
{
	struct vfio_group *found = find_group(id);

	if (found != NULL) {
		found->devices++;
		*group = found;
		return found->domain == domain
		               ? 0
		               : fault_set(fault, HWB_CONFLICT, "group %u is elsewhere", id);
	}
	if (fd < 0)
		return fault_set(fault, HWB_GONE, "group %u was not kept", id);
	struct vfio_group *made = new_group(id, domain, fault);
	if (made == NULL)
		return -1;
	made->fd = fd;
	made->kept = true;
	enlist(made);
	domain->groups++;
	*group = made;
	return 0;
}

int vfio_group_get(uint32_t id, struct kernel_domain *domain, struct vfio_group **group,
                   struct fault *fault)
{
	struct vfio_group *found = find_group(id);

	if (found == NULL)
		return add_group(id, domain, group, fault);
	if (found->domain != domain)
		return fault_set(fault, HWB_WRONG_STATE,
		                 "another function of IOMMU group %u is open in another domain: "
		                 "all functions of a group share one",
		                 id);
	found->devices++;
	*group = found;
	return 0;
}

bool vfio_group_keep(struct vfio_group *group)
{
	_cleanup_fd_ int mark = -1;
	char name[STORE_NAME];

	if (group->kept)
		return true;
	vfio_name_group(group->id, group->domain->id, name);
	if (group->domain->way->shares_fd)
		mark = eventfd(0, EFD_CLOEXEC);
	group->kept = store_put(name, mark >= 0 ? mark : group->fd, true);
	return group->kept;
}

void vfio_group_put(struct vfio_group *group)
{
	if (--group->devices != 0)
		return;
	pthread_mutex_lock(&groups_lock);
	struct vfio_group **link = &groups;
	while (*link != group)
		link = &(*link)->next;
	*link = group->next;
	pthread_mutex_unlock(&groups_lock);
	vfio_domain_leave(group->domain, group->fd);
	close_fd(group->fd);
	free(group);
}
