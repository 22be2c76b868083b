/* SPDX-License-Identifier: MIT */
/*
 * The values that keys take, as text and as numbers. Pure: every function
 * returns 0, or -1 with `fault` quoting the text and saying what would fit.
 */
#ifndef HWBROKERD_POLICY_VALUES_H
#define HWBROKERD_POLICY_VALUES_H

#include "policy/ini_reader.h"
#include "policy/pci_ids.h"
#include "policy/rules.h"

/* Walks "a, b, c" in place: the next entry without blanks around it, NULL at
 * the end. An empty entry is returned as "". `*rest` starts as the text. */
char *value_next(char **rest);

int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number,
                 struct fault *fault);

/* As value_number(), with an optional K, M, G or T (powers of 1024). */
int value_size(const char *text, uint64_t min, uint64_t max, uint64_t *size, struct fault *fault);

/* "yes" or "no". */
int value_boolean(const char *text, bool *boolean, struct fault *fault);

/* "no", "yes", or "unsafe", which is yes, and without an IOMMU, too. */
int value_dma(const char *text, bool *dma, bool *unsafe, struct fault *fault);

/* "all", which is 0, or how many, from 1. */
int value_share(const char *text, uint32_t *share, struct fault *fault);

/* "wait" or "end". */
int value_way(const char *text, enum policy_way *way, struct fault *fault);
int value_holders(const char *text, bool *end, struct fault *fault);
/* "auto", "none", or a list of the kernel's names: struct policy_grant. */
int value_reset(const char *text, char reset[POLICY_RESET_SIZE], struct fault *fault);

/* 1 to 31 letters, digits, `-', `_' or `.', the first a letter or digit. */
int value_name(const char *text, struct fault *fault);

/* These add to a match. In numbers `?' stands for a digit, and `*' for those that are missing.
 * DDDD:BB:DD.F or BB:DD.F, which may end after BB with `*'. */
int value_address(const char *text, struct match *match, struct fault *fault);
/* VVVV:DDDD, either of which may be a name of pci.ids. */
int value_id(const char *text, struct match *match, struct pci_ids *ids, struct fault *fault);
int value_subsystem(const char *text, struct match *match, struct pci_ids *ids,
                    struct fault *fault);
/* 2, 4 or 6 hexadecimal digits, a name of class_names.h, or one of pci.ids. */
int value_class(const char *text, struct match *match, struct pci_ids *ids, struct fault *fault);

/* What the kernel calls a slot or a driver, or a path below /sys/devices, with wildcards: makes
 * `pattern` normal. */
int value_slot(char *pattern, struct fault *fault);
int value_driver(char *pattern, struct fault *fault);
int value_path(char *pattern, struct fault *fault);
/* The address of a device, as value_address() has it, to a pattern of it as sysfs writes it. */
int value_physical(const char *text, char pattern[INI_LINE_MAX + 8], struct fault *fault);

/* The names of systemd's units, and of its slices, with wildcards; likewise. */
int value_unit(char *pattern, struct fault *fault);
int value_slice(char *pattern, struct fault *fault);

/* 0xFIRST-0xLAST or 0xPORT. */
int value_ports(const char *text, uint16_t *first, uint16_t *last, struct fault *fault);

/* 0xFIRST-0xLAST, addresses of physical memory; or 0xADDRESS for a single byte. */
int value_memory(const char *text, uint64_t *first, uint64_t *last, struct fault *fault);

/* 0 to 15 but not 2, or a name of lines.h. */
int value_line(const char *text, uint32_t *number, struct fault *fault);
/* "auto", "uio" or "poll". */
int value_source(const char *text, enum policy_source *source, struct fault *fault);
/* What a UIO device calls itself. */
int value_uio(const char *text, char uio[POLICY_UIO_SIZE], struct fault *fault);

/* 0xOFFSET:0xMASK; the digits of the mask say how wide the register is. */
int value_config_mask(const char *text, struct config_mask *mask, struct fault *fault);

#endif
