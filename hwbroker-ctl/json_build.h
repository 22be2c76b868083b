/* SPDX-License-Identifier: MIT */
/* Pieces that the JSON of every command is made of. */
#ifndef HWBROKER_CTL_JSON_BUILD_H
#define HWBROKER_CTL_JSON_BUILD_H

#include <hwbroker/protocol.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A name field of the wire: up to `size` bytes, NULL where it is empty. */
json_t *json_text(const char *text, size_t size);

/* Takes the value over. */
void json_set(json_t *object, const char *name, json_t *value);
void json_set_number(json_t *object, const char *name, uint64_t value);
/* Numbers that everybody writes in hexadecimal, as pci.ids has them. */
void json_set_id(json_t *object, const char *name, int digits, unsigned value);
void json_set_flag(json_t *object, const char *name, uint32_t flags, uint32_t bit);

/* NULL where the device is in no group. */
json_t *json_group(uint32_t iommu_group);
/* What `list devices' has of one. */
json_t *json_device(const struct hwb_admin_device *record);

/* And `list clients', and `status', `text' being its problems. */
json_t *json_client(const struct hwb_admin_client *record);
json_t *json_of_status(const struct hwb_status_reply *status, const char *text);

/* Prints the value and gives it back. */
void json_finish(FILE *out, json_t *value);

#endif
