/* SPDX-License-Identifier: MIT */
/* Every mistake that the parser and its checks know, with place and words. */
#include "test_policy_load.h"

#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bad_policy {
	const char *text;
	const char *report;
};

#define CLIENT "[client a]\nuser = alice\n"
#define CLIENTS CLIENT "[client b]\nuser = bob\n"
#define DEVICE CLIENT "[device d]\nclient = a\nid = 8086:10d3\n"
#define LIMITS "[client a]\nuser = alice\n"

static const struct bad_policy bad_policies[] = {
	/* sections */
	{ "user = alice\n", "F:1: `user' stands before the first section; put it into one\n" },
	{ "[devise net]\nclient = a\n",
	  "F:1: there is no kind of section `devise'; did you mean `device'?\n" },
	{ "[Broker]\n", "F:1: there is no kind of section `Broker'; did you mean `broker'?\n" },
	{ "[gizmo net]\n",
	  "F:1: there is no kind of section `gizmo'; there are broker, client, device, "
	  "ports, memory, interrupt, virtual\n" },
	{ "[]\n", "F:1: there is no kind of section `'; there are broker, client, device, "
	          "ports, memory, interrupt, virtual\n" },
	{ "[client]\nuser = alice\n", "F:1: section has no name; write [client NAME]\n" },
	{ "[broker main]\n", "F:1: [broker] takes no name, but has `main'\n" },
	{ "[client a b]\n",
	  "F:1: name `a b' has an odd character at place 2; use letters, digits, `-', `_' and "
	  "`.', the first a letter or digit\n" },
	{ "[client -a]\n",
	  "F:1: name `-a' has an odd character at place 1; use letters, digits, `-', `_' and "
	  "`.', the first a letter or digit\n" },
	{ "[client caf\xc3\xa9]\n",
	  "F:1: name `caf\xc3\xa9' has an odd character at place 4; use letters, digits, `-', `_' "
	  "and `.', the first a letter or digit\n" },
	{ "[client a23456789.123456789.123456789.12]\nuser = alice\n",
	  "F:1: name `a23456789.123456789.123456789.12' has 32 characters, at most 31 are "
	  "possible\n" },
	{ CLIENT "[client a]\nuser = bob\n",
	  "F:3: [client a] is already there in line 1; give one of them another name\n" },
	{ "[broker]\n\n[broker]\n", "F:3: [broker] is already there in line 1; make them one\n" },

	/* keys */
	{ "[client a]\nusr = alice\nuser = alice\n",
	  "F:2: [client] has no key `usr'; did you mean `user'?\n" },
	{ CLIENT "dma = yes\n", "F:3: `dma' is a key of [device], not of [client]\n" },
	{ CLIENT "colour = red\n",
	  "F:3: [client] has no key `colour'; it has user, group, unit, "
	  "slice, connections, sessions, requests, dma_mappings, dma_bytes, irq_vectors\n" },
	{ "[client a]\nexe = /bin/true\n",
	  "F:2: [client] has no key `exe', as the file that a process was started from does not "
	  "say what it does; name a `unit', whose processes only root starts\n" },
	{ CLIENT "address = 00:03.0\n",
	  "F:3: `address' is a key of [device], [virtual], not of [client]\n" },
	/* What stands in a line that cannot be read is not told to be missing. */
	{ "[client a]\nusr = alice\n", "F:2: [client] has no key `usr'; did you mean `user'?\n" },
	{ "[client a]\nuser: alice\n",
	  "F:2: `:' behind `user'; keys and values are separated by `='\n" },
	{ "[client a]\n user = alice\n",
	  "F:2: `user = alice' is indented, which would make it part of the line above; begin it in "
	  "the first column\n" },
	{ CLIENT "[device d]\nclient = a\nadress = 00:03.0\n",
	  "F:5: [device] has no key `adress'; did you mean `address'?\n" },
	{ CLIENT "[ports p]\nclient = a\nport = 0x61\n",
	  "F:5: [ports] has no key `port'; it has client, range, force\n" },
	{ "[virtual v]\nadress = 00:03.0\nfunctions = 4\n",
	  "F:2: [virtual] has no key `adress'; did you mean `address'?\n" },
	{ CLIENT "[device d]\nclient = a\nid = 0x8086:10d3\n",
	  "F:5: `id': `0x8086': numbers of devices are written without `0x'; did you mean "
	  "`8086'?\n" },
	{ CLIENT "[device d]\nclient = a\nid = 8086:0X10d3\n",
	  "F:5: `id': `0X10d3': numbers of devices are written without `0x'; did you mean "
	  "`10d3'?\n" },
	{ CLIENT "[device d]\nclient = a\nclass = 0x0200\n",
	  "F:5: `class': `0x0200': numbers of devices are written without `0x'; did you mean "
	  "`0200'?\n" },
	{ CLIENT "[device d]\nclient = a\nid = 8086:*\nreset = flrr\n",
	  "F:6: `reset': `flrr' is neither `auto' nor `none' nor one of the kernel's resets: "
	  "device_specific, acpi, flr, af_flr, pm, bus, cxl_bus\n" },
	{ CLIENT "[device d]\nclient = a\nid = 8086:*\nreset = flr, none\n",
	  "F:6: `reset': `none' stands alone, not in a list of resets\n" },
	{ CLIENT "sessions = 1\nsessions = 2\n", "F:4: `sessions' is already set in line 3\n" },
	{ "[device d]\n",
	  "F:1: [device d] has no `client', which it needs\n"
	  "F:1: [device d] does not say which device; add `address', `id', `subsystem', "
	  "`class', `slot', `driver', `path' or `virtual_function_of'\n" },
	{ CLIENT "[ports p]\nclient = a\n", "F:3: [ports p] has no `range', which it needs\n" },
	{ CLIENT "[ports p]\nrange = 0x40\n", "F:3: [ports p] has no `client', which it needs\n" },

	/* users and groups */
	{ "[client a]\n",
	  "F:1: [client a] admits nobody; add `user', `group', `unit' or `slice'\n" },
	{ "[client a]\nuser = mallory\n",
	  "F:2: `user': there is no user `mallory' on this host\n" },
	{ "[client a]\nuser = alice, mallory, eve\n",
	  "F:2: `user': there is no user `mallory' on this host\n"
	  "F:2: `user': there is no user `eve' on this host\n" },
	{ "[client a]\ngroup = nobody\n",
	  "F:2: `group': there is no group `nobody' on this host\n" },
	{ "[client a]\nuser = broken\n",
	  "F:2: `user': cannot look up the user `broken': Input/output error\n" },
	{ "[client a]\nuser = alice,,bob\n", "F:2: `user': empty entry in the list\n" },
	{ "[client a]\nuser = alice,\n", "F:2: `user': empty entry in the list\n" },
	{ "[client a]\nuser = 4294967295\n",
	  "F:2: `user': 4294967295 is not within 0 to 4294967294\n" },
	{ "[client a]\nuser = 3com\n",
	  "F:2: `user': `3com' is not a whole number; write one from 0 to 4294967294\n" },
	{ CLIENT "[client b]\nuser = 1000\n",
	  "F:4: `user': user 1000 is already named by [client a] in line 1\n" },
	{ "[broker]\nquery_group = mallory\n",
	  "F:2: `query_group': there is no group `mallory' on this host\n" },

	/* limits */
	{ LIMITS "connections = 0\n", "F:3: `connections': 0 is not within 1 to 65536\n" },
	{ LIMITS "sessions = -1\n",
	  "F:3: `sessions': `-1' is not a whole number; write one from 1 to 1048576\n" },
	{ LIMITS "requests = 0x20\n",
	  "F:3: `requests': `0x20' is not a whole number; write one from 1 to 1024\n" },
	{ LIMITS "requests = 18446744073709551616\n",
	  "F:3: `requests': 18446744073709551616 is not within 1 to 1024\n" },
	{ LIMITS "requests = 4294967328\n",
	  "F:3: `requests': 4294967328 is not within 1 to 1024\n" },
	{ LIMITS "dma_mappings = 60001\n",
	  "F:3: `dma_mappings': 60001 is not within 0 to 60000\n" },
	{ LIMITS "irq_vectors = 2049\n", "F:3: `irq_vectors': 2049 is not within 0 to 2048\n" },
	{ LIMITS "dma_bytes = 256MB\n",
	  "F:3: `dma_bytes': `256MB' is not a size; write bytes, or a number with K, M, G or T, "
	  "like 256M\n" },
	{ LIMITS "dma_bytes = M\n",
	  "F:3: `dma_bytes': `M' is not a size; write bytes, or a number with K, M, G or T, like "
	  "256M\n" },
	{ LIMITS "dma_bytes = 1.5G\n",
	  "F:3: `dma_bytes': `1.5G' is not a size; write bytes, or a number with K, M, G or T, "
	  "like 256M\n" },
	/* 2^64 + 1 KiB: must not come out as 1 KiB. */
	{ LIMITS "dma_bytes = 18014398509481985K\n",
	  "F:3: `dma_bytes': 18014398509481985K is not within 0 to 1125899906842624 bytes\n" },

	/* virtual functions */
	{ "[virtual v]\nfunctions = 4\n",
	  "F:1: [virtual v] does not say of which device; add `address', `id', `driver' or "
	  "`path'\n" },
	{ "[virtual v]\naddress = 03:00.0\n",
	  "F:1: [virtual v] has no `functions', which it needs\n" },
	{ "[virtual v]\naddress = 03:00.0\nfunctions = 0\n",
	  "F:3: `functions': 0 is not within 1 to 65535\n" },
	{ "[virtual v]\naddress = 03:00.*\nfunctions = 4\n"
	  "[virtual w]\naddress = 03:00.1\nfunctions = 2\n",
	  "F:4: [virtual w] can never be used: [virtual v] in line 1 has all of its devices "
	  "already; put the narrower section first, or make them one\n" },
	{ "[virtual v]\naddress = 03:00.0\nfunction = 4\n",
	  "F:3: [virtual] has no key `function'; did you mean `functions'?\n" },

	/* devices */
	{ CLIENT "[device d]\nclient = b\nid = 8086:10d3\n", "F:4: there is no [client b]\n" },
	{ "[client driver]\nuser = alice\n[device d]\nclient = drivr\nid = 8086:10d3\n",
	  "F:4: there is no [client drivr]; did you mean `driver'?\n" },
	{ CLIENT "[device d]\nclient = a, a\nid = 8086:10d3\n",
	  "F:4: `client': `a' is named twice\n" },
	{ CLIENT "[device d]\nclient = a b\nid = 8086:10d3\n",
	  "F:4: `client': name `a b' has an odd character at place 2; use letters, digits, `-', "
	  "`_' and `.', the first a letter or digit\n" },
	{ CLIENT "[device d]\nclient = a\n",
	  "F:3: [device d] does not say which device; add `address', `id', `subsystem', "
	  "`class', `slot', `driver', `path' or `virtual_function_of'\n" },
	{ CLIENT "[device d]\nclient = a\naddress = 00:1f\n",
	  "F:5: `address': `00:1f' is not the address of a PCI device; write it like "
	  "0000:03:00.0, or 0000:03:00.* for all of its functions\n" },
	{ CLIENT "[device d]\nclient = a\nvirtual_function_of = nic\n",
	  "F:5: `virtual_function_of': `nic' is not the address of a PCI device; write it like "
	  "0000:03:00.0, or 0000:03:00.* for all of its functions\n" },
	{ CLIENT "[device d]\nclient = a\nvirtual_function_of = 03:00.0\n"
	         "[device e]\nclient = a\nvirtual_function_of = 0000:03:00.0\n",
	  "F:6: [device e] is about the same devices for client `a' as [device d] in line 3; "
	  "make them one\n" },
	{ CLIENT "[device d]\nclient = a\naddress = 0000:00:20.0\n",
	  "F:5: `address': `0000:00:20.0' cannot be: a device number is at most 1f, a function at "
	  "most 7\n" },
	{ CLIENT "[device d]\nclient = a\naddress = 0000:00:03.8\n",
	  "F:5: `address': `0000:00:03.8' cannot be: a device number is at most 1f, a function at "
	  "most 7\n" },
	{ CLIENT "[device d]\nclient = a\nid = 8086\n",
	  "F:5: `id': `8086' is not a device id; write VENDOR:DEVICE with four hexadecimal digits "
	  "each, like 8086:10d3, or 8086:* for all of a vendor, or with the names that lspci "
	  "shows\n" },
	{ CLIENT "[device d]\nclient = a\nsubsystem = 17aa\n",
	  "F:5: `subsystem': `17aa' is not a subsystem id; write VENDOR:DEVICE with four "
	  "hexadecimal digits each, like 17aa:21cf, or 17aa:* for all of a vendor, or with the "
	  "names that lspci shows\n" },
	{ CLIENT "[device d]\nclient = a\nclass = ethernt\n",
	  "F:5: `class': `ethernt' is neither the name of a device class nor 2, 4 or 6 hexadecimal "
	  "digits like 0200; did you mean `ethernet'?\n" },
	{ CLIENT "[device d]\nclient = a\nclass = 020\n",
	  "F:5: `class': `020' is neither the name of a device class nor 2, 4 or 6 hexadecimal "
	  "digits like 0200\n" },
	{ DEVICE "dma = true\n",
	  "F:6: `dma': `true' is neither `yes', `no' nor `unsafe'; did you mean "
	  "`yes'?\n" },
	{ DEVICE "take = Off\n", "F:6: `take': `Off' is neither `yes' nor `no'; did you mean "
	                         "`no'?\n" },
	{ DEVICE "force = YES\n", "F:6: `force': `YES' is neither `yes' nor `no'; did you mean "
	                          "`yes'?\n" },
	{ DEVICE "count = 0\n",
	  "F:6: `count': `0' is neither `all' nor a whole number from 1 to 65536\n" },
	{ DEVICE "total = 65537\n",
	  "F:6: `total': `65537' is neither `all' nor a whole number from 1 to 65536\n" },
	{ DEVICE "count = some\n",
	  "F:6: `count': `some' is neither `all' nor a whole number from 1 to 65536\n" },
	{ DEVICE "count = 3\ntotal = 2\n",
	  "F:6: `count': no client can have 3 of them, as `total' is 2 for all clients together\n" },
	{ DEVICE "grant = devise\n",
	  "F:6: `grant': `devise' is none of `split', `mediated', `device'; did you mean "
	  "`device'?\n" },
	{ DEVICE "holders = kill\n", "F:6: `holders': `kill' is neither `wait' nor `end'\n" },
	{ DEVICE "reset = flr, bus, flr\n", "F:6: `reset': `flr' is named twice\n" },
	{ DEVICE "restore = perhaps\n", "F:6: `restore': `perhaps' is neither `yes' nor `no'\n" },
	{ DEVICE "config_write = 44:ff\n",
	  "F:6: `config_write': `44:ff' is not OFFSET:MASK; write it like 0x44:0xffff, the mask "
	  "with 2, 4 or 8 digits for a register of 1, 2 or 4 bytes\n" },
	{ DEVICE "config_write = 0x44:0xfff\n",
	  "F:6: `config_write': `0x44:0xfff' is not OFFSET:MASK; write it like 0x44:0xffff, the "
	  "mask with 2, 4 or 8 digits for a register of 1, 2 or 4 bytes\n" },
	{ DEVICE "config_write = 0x1000:0xff\n",
	  "F:6: `config_write': 0x1000:0xff reaches beyond configuration space, which ends at "
	  "0x1000\n" },
	{ DEVICE "config_write = 0x45:0xffff, 0x46:0xffffffff, 0x44:0x00\n",
	  "F:6: `config_write': 0x45:0xffff: a register of 2 bytes has an offset that is a "
	  "multiple of 2\n"
	  "F:6: `config_write': 0x46:0xffffffff: a register of 4 bytes has an offset that is a "
	  "multiple of 4\n"
	  "F:6: `config_write': 0x44:0x00 allows no bit; remove it\n" },

	/* devices against each other */
	{ DEVICE "[device e]\nclient = a\nid = 8086:10D3\n",
	  "F:6: [device e] is about the same devices for client `a' as [device d] in line 3; make "
	  "them one\n" },
	{ DEVICE "[device e]\nclient = a\nid = 8086:10d3\naddress = 03:00.0\n",
	  "F:6: [device e] can never be used for client `a': [device d] in line 3 has all of its "
	  "devices already; put the narrower section first\n" },
	{ CLIENT "[device d]\nclient = a\naddress = 0000:03:00.*\n"
	         "[device e]\nclient = a\naddress = 03:00.1\n",
	  "F:6: [device e] can never be used for client `a': [device d] in line 3 has all of its "
	  "devices already; put the narrower section first\n" },
	{ CLIENT "[device d]\nclient = a\nclass = network\n"
	         "[device e]\nclient = a\nclass = 020000\n",
	  "F:6: [device e] can never be used for client `a': [device d] in line 3 has all of its "
	  "devices already; put the narrower section first\n" },
	{ CLIENT "[device d]\nclient = a\nid = 8086:*\n"
	         "[device e]\nclient = a\nid = 8086:10d3\nsubsystem = 1af4:1100\n",
	  "F:6: [device e] can never be used for client `a': [device d] in line 3 has all of its "
	  "devices already; put the narrower section first\n" },
	/* Only for the clients that both sections name. */
	{ CLIENTS "[device d]\nclient = b\nclass = audio\n"
	          "[device e]\nclient = a, b\nclass = hda\n",
	  "F:8: [device e] can never be used for client `b': [device d] in line 5 has all of its "
	  "devices already; put the narrower section first\n" },

	/* A section with a mistake is not measured against the others. */
	{ CLIENT "[device d]\nclient = a\n[device e]\nclient = a\nid = 8086:10d3\n",
	  "F:3: [device d] does not say which device; add `address', `id', `subsystem', "
	  "`class', `slot', `driver', `path' or `virtual_function_of'\n" },

	/* ports */
	{ CLIENT "[ports p]\nclient = a\nrange = 64\n",
	  "F:5: `range': `64' is not a range of ports; write it like 0x40-0x43, or 0x61 for a "
	  "single port\n" },
	{ CLIENT "[ports p]\nclient = a\nrange = 0x40-0x43-0x44\n",
	  "F:5: `range': `0x40-0x43-0x44' is not a range of ports; write it like 0x40-0x43, or "
	  "0x61 for a single port\n" },
	{ CLIENT "[ports p]\nclient = a\nrange = 0x43-0x40\n",
	  "F:5: `range': 0x43-0x40 ends before it begins\n" },
	{ CLIENT "[ports p]\nclient = a\nrange = 0xfff0-0x10000\n",
	  "F:5: `range': 0xfff0-0x10000 reaches beyond the last port, 0xffff\n" },
	{ CLIENT "[ports p]\nclient = a\nrange = 0x100000040\n",
	  "F:5: `range': `0x100000040' is not a range of ports; write it like 0x40-0x43, or 0x61 "
	  "for a single port\n" },
	{ CLIENT "[ports p]\nclient = a\nrange = 0x40-0x43,\n",
	  "F:5: `range': empty entry in the list\n" },
	{ CLIENT "[ports p]\nclient = a\nrange = 0x40-0x43, 0x43\n",
	  "F:5: port 0x43 is named twice\n" },
	{ CLIENTS "[ports p]\nclient = a\nrange = 0x40-0x47\n"
	          "[ports q]\nclient = b\nrange = 0x61, 0x42-0x43\n",
	  "F:10: port 0x42 is already in [ports p], line 7; a port stands in one section, which "
	  "may name several clients\n" },
	/* The wide range covers one that is not its neighbour. */
	{ CLIENT "[ports p]\nclient = a\nrange = 0x300-0x3ff, 0x310\n"
	         "[ports q]\nclient = a\nrange = 0x3f8\n",
	  "F:5: port 0x310 is named twice\n"
	  "F:8: port 0x3f8 is already in [ports p], line 5; a port stands in one section, which "
	  "may name several clients\n" },
	{ CLIENT "[ports p]\nclient = b\nrange = 0x40\n", "F:4: there is no [client b]\n" },

	/* interrupt lines */
	{ CLIENT "[interrupt k]\nirq = 1\n",
	  "F:3: [interrupt k] has no `client', which it needs\n" },
	{ CLIENT "[interrupt k]\nclient = a\n",
	  "F:3: [interrupt k] has no `irq', which it needs\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 16\n",
	  "F:5: `irq': 16 is not within 0 to 15\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 2\n",
	  "F:5: `irq': interrupt 2 joins the two interrupt controllers: no device has it\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = keybord,\n",
	  "F:5: `irq': `keybord' is neither an interrupt line, 0 to 15, nor the name of one; did you "
	  "mean `keyboard'?\n"
	  "F:5: `irq': empty entry in the list\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = keyboard, 1\n",
	  "F:5: interrupt 1 is named twice\n" },
	{ CLIENTS
	  "[interrupt k]\nclient = a\nirq = 1, 12\n[interrupt m]\nclient = b\nirq = mouse\n",
	  "F:10: interrupt 12 is already in [interrupt k], line 7; it stands in one section, which "
	  "may name several clients\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 1, rtc\n",
	  "F:5: interrupt 8 is the host's clock (RTC); only `force = yes' in [interrupt k] grants "
	  "it\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 9 , 13\n",
	  "F:5: interrupt 13 is the processor's (FPU errors); only `force = yes' in [interrupt k] "
	  "grants it\n"
	  "F:5: interrupt 9 is ACPI's on most PCs; only `force = yes' in [interrupt k] grants it\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 1\nrate = 0\n",
	  "F:6: `rate': 0 is not within 1 to 10000\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 1\nsource = polled\n",
	  "F:6: `source': `polled' is neither `auto' nor `uio' nor `poll'\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 1\nsource = uio\nrate = 10\n",
	  "F:7: `rate' is about polling, but with `source = uio' nothing is polled\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 1\nsource = poll\nuio = board\n",
	  "F:7: `uio' names a UIO device, but with `source = poll' none is used\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 1, 3\nuio = board\n",
	  "F:6: `uio' names one device, which has one interrupt, but `irq' names 2; give each a "
	  "section\n" },
	{ CLIENT "[interrupt k]\nclient = a\nirq = 1\nuio = /dev/uio0\n",
	  "F:6: `uio': `/dev/uio0' is no name of a UIO device; write what "
	  "/sys/class/uio/uio*/name says\n" },
	{ CLIENT "[interrupt a23456789.123456789.1234567890]\nclient = a\nirq = 1\n",
	  "F:3: name `a23456789.123456789.1234567890' has 30 characters, at most 29 are possible for "
	  "an interrupt\n" },

	/* All of them, by line, whichever check found them. */
	{ "[client a]\nuser = mallory\n[device d]\nclient = x\nid = 1\ndma = maybe\n"
	  "[ports p]\nclient = a\nrange = 0x92\nfroce = yes\n[device d]\n",
	  "F:2: `user': there is no user `mallory' on this host\n"
	  "F:4: there is no [client x]\n"
	  "F:5: `id': `1' is not a device id; write VENDOR:DEVICE with four hexadecimal digits "
	  "each, like 8086:10d3, or 8086:* for all of a vendor, or with the names that lspci "
	  "shows\n"
	  "F:6: `dma': `maybe' is neither `yes', `no' nor `unsafe'\n"
	  "F:9: port 0x92 resets the PC; only `force = yes' in [ports p] grants it\n"
	  "F:10: [ports] has no key `froce'; did you mean `force'?\n"
	  "F:11: [device d] has no `client', which it needs\n"
	  "F:11: [device d] does not say which device; add `address', `id', `subsystem', "
	  "`class', `slot', `driver', `path' or `virtual_function_of'\n"
	  "F:11: [device d] is already there in line 3; give one of them another name\n" },
};

START_TEST(mistake_is_reported)
{
	const struct bad_policy *bad = &bad_policies[_i];
	char *report = test_report(bad->text, strlen(bad->text));

	ck_assert_str_eq(report, bad->report);
	free(report);
}
END_TEST

/* ---- dangerous ports ---- */

static const struct {
	const char *range;
	const char *named; /* NULL: not dangerous */
} port_cases[] = {
	{ "0x0", "port 0x0 belongs to the ISA DMA controllers" },
	{ "0xf-0x1f", "port 0xf belongs to the ISA DMA controllers" },
	{ "0x10-0x1f", NULL },
	{ "0x21", "port 0x21 belongs to the interrupt controllers" },
	{ "0x22-0x5f", NULL },
	{ "0x60", "port 0x60 belongs to the keyboard controller" },
	{ "0x61-0x63", NULL },
	{ "0x61-0x64", "port 0x64 belongs to the keyboard controller" },
	{ "0x65-0x7f", NULL },
	{ "0x70-0x71", NULL },
	{ "0x80", "port 0x80 belongs to the ISA DMA controllers" },
	{ "0x8f", "port 0x8f belongs to the ISA DMA controllers" },
	{ "0x90-0x91", NULL },
	{ "0x92", "port 0x92 resets the PC" },
	{ "0xa1", "port 0xa1 belongs to the interrupt controllers" },
	{ "0xa2-0xb1", NULL },
	{ "0xb3", "port 0xb3 calls the firmware" },
	{ "0xb4-0xbf", NULL },
	{ "0xc0-0xdf", "port 0xc0 belongs to the ISA DMA controllers" },
	{ "0xe0-0x4cf", NULL },
	{ "0x4d1", "port 0x4d1 belongs to the interrupt controllers" },
	{ "0x514", "port 0x514 belongs to the fw_cfg device" },
	{ "0x51c-0xcf7", NULL },
	{ "0xcf7-0xd00", "port 0xcf8 configures every PCI device" },
	{ "0xcfc", "port 0xcfc configures every PCI device" },
	{ "0xd00-0xffff", NULL },
};

START_TEST(dangerous_ports_need_force)
{
	char text[256], expected[128];

	snprintf(text, sizeof(text), CLIENT "[ports p]\nclient = a\nrange = %s\n",
	         port_cases[_i].range);
	if (port_cases[_i].named == NULL) {
		policy_free(test_policy(text));
		return;
	}
	char *report = test_report(text, strlen(text));
	snprintf(expected, sizeof(expected), "F:5: %s", port_cases[_i].named);
	ck_assert_msg(strncmp(report, expected, strlen(expected)) == 0, "%s", report);
	ck_assert_ptr_nonnull(strstr(report, "; only `force = yes' in [ports p] grants it\n"));
	free(report);

	/* In either order of the keys. */
	strcat(text, "force = yes\n");
	policy_free(test_policy(text));
	snprintf(text, sizeof(text), CLIENT "[ports p]\nforce = yes\nclient = a\nrange = %s\n",
	         port_cases[_i].range);
	policy_free(test_policy(text));
}
END_TEST

/* ---- what is no mistake ---- */

static const char *const good_policies[] = {
	"[broker]\n",
	"[broker]\nquery_group = 4711\n",
	"[client a]\nuser = 0\n",
	"[client a]\nuser = alice, bob\ngroup = drivers, 4294967294\n",
	"[client a2345678901234567890123456789_]\nuser = alice\n",
	"[client 9-a.b_c]\nuser = alice\n",
	/* Kinds have their names for themselves. */
	CLIENT "[device a]\nclient = a\nclass = vga\n[ports a]\nclient = a\nrange = 0x40\n",
	/* The client may come later. */
	"[device d]\nclient = a\nclass = vga\n" CLIENT,
	/* The narrower first. */
	CLIENT "[device d]\nclient = a\naddress = 03:00.0\n[device e]\nclient = a\nid = 8086:10d3\n"
	       "[device f]\nclient = a\nid = 8086:*\n[device g]\nclient = a\nclass = network\n",
	/* The same devices for two clients. */
	CLIENTS "[device d]\nclient = a\nclass = vga\n[device e]\nclient = b\nclass = vga\n",
	/* Neighbours do not overlap; two clients may share a section. */
	CLIENTS "[ports p]\nclient = a, b\nrange = 0x40-0x43, 0x44\n"
	        "[ports q]\nclient = a\nrange = 0x45, 0x0061 - 0x0062\n",
	/* Large PCI domains. */
	CLIENT "[device d]\nclient = a\naddress = 10000:e1:00.0\n",
};

START_TEST(good_policy_loads)
{
	policy_free(test_policy(good_policies[_i]));
}
END_TEST

START_TEST(limits_have_defaults)
{
	struct policy *policy = test_policy(CLIENT "[client b]\nuser = bob\nconnections = 1\n"
	                                           "sessions = 2\nrequests = 3\n"
	                                           "dma_mappings = 60000\ndma_bytes = 3g\n"
	                                           "irq_vectors = 2048\n");
	const struct policy_client *a = policy_client_named(policy, "a");
	const struct policy_client *b = policy_client_named(policy, "b");

	ck_assert_uint_eq(a->limits.connections, 16);
	ck_assert_uint_eq(a->limits.sessions, 1024);
	ck_assert_uint_eq(a->limits.requests, 32);
	ck_assert_uint_eq(a->limits.dma_mappings, 4096);
	ck_assert_uint_eq(a->limits.dma_bytes, 256u << 20);
	ck_assert_uint_eq(a->limits.irq_vectors, 64);
	ck_assert_uint_eq(a->place, 1);
	ck_assert_uint_eq(a->index, 0);
	ck_assert_uint_eq(b->limits.connections, 1);
	ck_assert_uint_eq(b->limits.sessions, 2);
	ck_assert_uint_eq(b->limits.requests, 3);
	ck_assert_uint_eq(b->limits.dma_mappings, 60000);
	ck_assert_uint_eq(b->limits.dma_bytes, 3ull << 30);
	ck_assert_uint_eq(b->limits.irq_vectors, 2048);
	ck_assert_uint_eq(b->place, 3);
	ck_assert_uint_eq(b->index, 1);
	ck_assert_ptr_null(policy_client_named(policy, "c"));
	policy_free(policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tests = tcase_create("mistakes");

	tcase_add_loop_test(tests, mistake_is_reported, 0,
	                    (int)(sizeof(bad_policies) / sizeof(bad_policies[0])));
	tcase_add_loop_test(tests, dangerous_ports_need_force, 0,
	                    (int)(sizeof(port_cases) / sizeof(port_cases[0])));
	tcase_add_loop_test(tests, good_policy_loads, 0,
	                    (int)(sizeof(good_policies) / sizeof(good_policies[0])));
	tcase_add_test(tests, limits_have_defaults);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
