/* SPDX-License-Identifier: MIT */
#include "policy/virtual_step.h"

enum virtual_step virtual_step(const struct virtual_case *about)
{
	if (about->wanted == 0 && (!about->ours || !about->ours_restore))
		return VIRTUAL_KEEP;
	if (about->now == about->wanted)
		return about->ours && about->restore != about->ours_restore ? VIRTUAL_NOTE
		                                                            : VIRTUAL_KEEP;
	if (about->wanted > about->max)
		return VIRTUAL_EXCESS;
	if (about->now != 0 && !about->ours)
		return VIRTUAL_FOREIGN;
	return about->used ? VIRTUAL_WAIT : VIRTUAL_CHANGE;
}
