/* SPDX-License-Identifier: MIT */
#ifndef HWBROKER_CTL_SPELLING_H
#define HWBROKER_CTL_SPELLING_H

/* The known word that differs least from `word`, if it is near enough to be
 * what was meant; otherwise NULL. */
const char *spelling_nearest(const char *word, const char *const *known, unsigned count);

#endif
