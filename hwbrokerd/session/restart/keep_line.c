/* SPDX-License-Identifier: MIT */
#include "session/restart/keep_line.h"

#include "session/restart/keep.h"

static void name_of(const struct line_session *line, uint32_t at, char name[STORE_NAME])
{
	uint32_t vector = at == 0 ? 0 : at == 1 ? KEEP_UNMASK : KEEP_UIO;

	keep_name_irq(line->id, vector, name, STORE_NAME);
}

void keep_line_soon(struct line_session *line)
{
	if (line->kept || line->unkept)
		return;
	line->unkept = true;
	line->session.peer->unkept++;
	line->session.peer->dirty = true;
}

bool keep_line(struct line_session *line)
{
	struct store_share *share = &line->session.peer->account->share;
	char name[STORE_NAME];

	/* Its connection ends with this process, then; there is nothing to wait for. */
	if (line->put == 0 && !store_has_room(share, line_fd_count(line)))
		return true;
	for (; line->put < line_fd_count(line); line->put++) {
		name_of(line, line->put, name);
		if (!store_put_of(share, name, line_fd(line, line->put), false))
			return false;
	}
	line->kept = true;
	line->unkept = false;
	line->session.peer->unkept--;
	return true;
}

void keep_line_drop(const struct line_session *line, struct store_share *share)
{
	char name[STORE_NAME];

	for (uint32_t i = 0; i < line->put; i++) {
		name_of(line, i, name);
		store_drop_of(share, name, false);
	}
}

void keep_line_forget(struct line_session *line)
{
	keep_line_drop(line, &line->session.peer->account->share);
	line->put = 0;
	if (line->unkept)
		line->session.peer->unkept--;
	line->unkept = false;
	line->kept = false;
}

int keep_line_take(struct line_session *line, struct store_share *share)
{
	int *const fds[LINE_FDS] = { &line->trigger_fd, &line->unmask_fd, &line->uio_fd };
	uint32_t count = line->rate != 0 ? 1 : LINE_FDS;
	char name[STORE_NAME];

	for (uint32_t i = 0; i < count; i++) {
		name_of(line, i, name);
		*fds[i] = store_take_of(share, name);
		if (*fds[i] < 0)
			return -1;
		line->put++;
	}
	line->kept = true;
	return 0;
}
