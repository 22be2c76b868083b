/* SPDX-License-Identifier: MIT */
/*
 * What Genode wants to be told about devices, made from what the broker tells:
 * the ROM modules `devices' and `platform_info', interrupt numbers, and for each
 * device the page that its platform driver takes for configuration space.
 *
 * Formats and behaviour are those of Genode 26.02: os/src/driver/platform and
 * os/include/pci there, and boot_fb for the framebuffer.
 *
 * Pure functions: they allocate nothing, keep no state, need no libc and at most
 * 512 bytes of stack, all frames together, beside what a config reader takes. Any
 * thread may call them at any time. Addresses, offsets and sizes are bytes.
 */
#ifndef HWBROKER_GENODE_H
#define HWBROKER_GENODE_H

#include <hwbroker/protocol.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- where configuration space seems to be ----------------------------
 *
 * Genode names a function's configuration space by a physical address and opens
 * it as IO_MEM. Ours is one that cannot exist, and says by itself which function
 * is meant: HWB_GENODE_CONFIG_BASE + (domain << 28 | bus << 20 | device << 15 |
 * function << 12), as in PCI Express' enhanced configuration window (PCI Express
 * Base 3.0, 7.2.2), with the domain above. It is the same on every start, on
 * every machine, whatever else is plugged in.
 *
 * x86 has at most 52 bits of physical address (Intel SDM volume 3A, 4.1.4; AMD
 * APM volume 2, 5.3), so that no RAM, no BAR and no firmware table is at 2^62 or
 * above. Below 2^63 it stays positive in Genode's session arguments, and a domain
 * of 32 bits ends below 2^60. Core must be a 64-bit one. */
#define HWB_GENODE_CONFIG_BASE (1ull << 62)
#define HWB_GENODE_CONFIG_SIZE 4096u /* of one function's */

uint64_t hwb_genode_config_address(const struct hwb_pci_address *address);

/* The function whose page holds `config`, which need not be the page's start. 0, or
 * -EINVAL (-22) if it is none of these addresses; then `address` is left alone. */
int hwb_genode_config_device(uint64_t config, struct hwb_pci_address *address);

/* ---- interrupts ------------------------------------------------------- */

/* The kind of interrupt to open for a device of which Genode says `irq', an enum
 * hwb_irq_type, by what the device has and the policy allows:
 * - MSI, if it may do DMA: a message is a write by the device;
 * - else MSI-X, if it may do DMA. Genode is told "msi" and uses one vector, number
 *   0, which the kernel programs. Not so for virtio (vendor 0x1af4) with a pin: its
 *   driver must assign vectors to queues, and gets no interrupt where it does not;
 * - else INTX, if it has a pin;
 * - else NONE. */
uint32_t hwb_genode_irq_type(const struct hwb_device *device);

/* Genode's number for the interrupt of devices[index]. No two devices of a list have
 * the same: Genode would take it for a shared line. 0: it has none.
 *
 * Genode's drivers from Linux have room for numbers below 256 only, its platform driver
 * looks at those of lines below 1024 (MAX_IRQ in its device.cc), and the lowest 16 are the
 * machine's own (timer, keyboard). So it is one of 16 to 254, which on bus 0 is 16 plus
 * device and function, modulo 239. Where two devices meet, the one that comes later in
 * the list gets the next that is free: the number is stable but where such devices come
 * and go. From the 240th on devices have those from 256 to 1023. */
uint32_t hwb_genode_irq_number(const struct hwb_device *devices, uint32_t count, uint32_t index);

/* Index of the device in the same list that has this number; -1: none. */
int hwb_genode_irq_device(const struct hwb_device *devices, uint32_t count, uint32_t number);

/* ---- ROM modules ------------------------------------------------------
 *
 * Both write XML into `buffer`, of which they use at most `size` bytes, a
 * terminating NUL included; `size` may be 0, and `buffer` NULL then. They return the
 * length of the whole text without the NUL, which has been cut if that is not less
 * than `size`, as snprintf does. */

/* More about a device, for whoever reads the ROM. Genode takes 63 bytes of each. */
struct hwb_genode_property {
	uint32_t device; /* index in the list */
	uint32_t reserved;
	const char *name; /* UTF-8; what XML does not allow is escaped, or becomes `?' */
	const char *value;
};

/* `devices': all of the list (as DEVICE_LIST gives it) that a driver could use, so
 * neither bridges nor what is gone or quarantined. A device is named by its address
 * as Genode writes it, "00:03.0"; where the domain is not 0, "0001:00:03.0". Its BARs
 * are there as the host's firmware or kernel placed them; whether the broker gives
 * them out is for the broker to say.
 *
 * `wc': only prefetchable BARs of displays, and not BAR 0 of Intel's, which holds
 * registers. Many other devices call their registers prefetchable, since a bridge
 * would not let them above 4 GiB otherwise, and their drivers count on order.
 *
 * `reserved_memory' is left out: the host's kernel keeps those ranges in every I/O
 * address space (its RMRRs), and the driver would open them as registers.
 *
 * A list without devices has a node <none/>: the platform driver waits for any node
 * before it offers its service, and core's ROMs cannot tell it of a change.
 *
 * Each device that is in an IOMMU group has the property `iommu_group': devices of
 * one group can be assigned to one Platform session only. `properties` may be NULL
 * if `property_count` is 0. */
size_t hwb_genode_devices(const struct hwb_device *devices, uint32_t count,
                          const struct hwb_genode_property *properties, uint32_t property_count,
                          char *buffer, size_t size);

/* What the firmware left on the screen. */
struct hwb_genode_framebuffer {
	uint64_t address; /* physical */
	uint32_t width;   /* pixels */
	uint32_t height;
	uint32_t bits_per_pixel; /* boot_fb draws if they are 32 */
	uint32_t pitch;          /* bytes from line to line */
};

/* `platform_info': the kernel is Linux, there is no ACPI to be parsed, there are
 * message-signalled interrupts, and the kernel (for us: the broker) has the IOMMU.
 * With a framebuffer, also what boot_fb reads; NULL: without. */
size_t hwb_genode_platform_info(const struct hwb_genode_framebuffer *framebuffer, char *buffer,
                                size_t size);

/* ---- shadow of configuration space ------------------------------------
 *
 * Genode's platform driver opens a function's page and reads and writes it as if it
 * were the device's. Give it plain memory with what follows. All of its writes do
 * nothing then; the broker does what they are for (D0, decoding, bus mastering and
 * MSI, by DOMAIN_ASSIGN and IRQ_OPEN). In the page are:
 * - ids, class, BARs and pin of `device`, which also hold where the copy says
 *   otherwise (virtual functions have their ids elsewhere). BARs have the bits for
 *   their type until the driver writes them, which it does by sizing them: memory
 *   answers its own ones, and the driver then takes the BAR for one of ports and
 *   drops these bits;
 * - of the capabilities only such as can be memory, in their order and place:
 *   power management (in D0, keeps its state, so that no reset is tried), PCI
 *   Express (cannot reset, nothing pending: the driver polls that), MSI (off, one
 *   message), and vendors' own, by which virtio names its registers;
 * - no MSI-X, whose table is the kernel's. Where hwb_genode_irq_type() says MSIX, an
 *   MSI capability takes its place: with a 32-bit address that is 10 bytes, and
 *   MSI-X is 12 (PCI Local Bus 3.0, 6.8.1 and 6.8.2), so it collides with nothing;
 * - bytes that belong to no capability, as they are: drivers of old USB and sound
 *   controllers look there;
 * - no expansion ROM, and no extended capabilities: from 0x100 on there is nothing.
 *
 * A broken chain ends where it breaks; that of the page always ends. */

/* Makes the page out of `page`, HWB_GENODE_CONFIG_SIZE bytes, whose first 256 are a
 * copy of the function's configuration space. Zeroes will do if there is no copy
 * (it takes the device's owner to read): then no capabilities are known, and an MSI
 * capability is at 0x40 if hwb_genode_irq_type() says MSI or MSIX.
 * Returns the offset of the MSI capability, 0 if there is none, or -EINVAL (-22) for
 * a bridge (header type not 0), which leaves the page alone. */
int hwb_genode_shadow(const struct hwb_device *device, void *page);

/* Reads 4 bytes at `offset` of configuration space. 0, or a negative value. */
typedef int (*hwb_genode_config_reader)(void *context, uint32_t offset, uint32_t *value);

/* The same from a reader, which is called for each 4 of the first 256 bytes; most
 * will use hwb_config_read(). The first negative value that it returns is returned,
 * and the page is of no use. */
int hwb_genode_shadow_read(const struct hwb_device *device, hwb_genode_config_reader reader,
                           void *context, void *page);

#ifdef __cplusplus
}
#endif

#endif
