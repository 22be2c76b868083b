/* SPDX-License-Identifier: MIT */
/*
 * What the hostile cases share. Raw packets on purpose: a client library could not say
 * what they say. A case runs in a process of its own, as an unprivileged user or as root,
 * and ends it by expect(); whatever it leaves open ends with it. main.c then looks at the
 * daemon.
 */
#ifndef HWBROKER_TESTS_HOSTILE_H
#define HWBROKER_TESTS_HOSTILE_H

#include "edu.h"
#include "leak.h"
#include "wire.h"

#include <sys/types.h>

/* ---- cases ---- */

enum case_flags {
	AS_ROOT = 1, /* needs the host; its clients are connected as users */
	RESTARTS = 2 /* the daemon is another process afterwards */
};

struct hostile_case {
	unsigned number; /* 0: the end of a list */
	const char *name;
	void (*run)(void);
	unsigned flags;
	unsigned seconds; /* that it may take; 0: the usual */
};

extern const struct hostile_case packet_cases[], flood_cases[], descriptor_cases[], dma_cases[],
        configuration_cases[], port_cases[], interrupt_cases[], device_cases[], holder_cases[],
        policy_cases[], state_cases[], host_cases[], order_cases[], credential_cases[],
        operator_cases[], program_cases[], root_cases[], closing_cases[], stall_cases[];

/* ---- the wire ---- */

enum {
	PROMPT_MS = 5000, /* what is to happen at once */
	ENDED = WIRE_ENDED
};

void pause_ms(int milliseconds);

bool wire_ended(int fd, int milliseconds);

/* A request with this body, of zeros if it is NULL. */
void fill(struct packet *packet, uint32_t opcode, uint32_t session, const void *body, size_t size);
/* Both, on a packet whose descriptors are closed. */
int request(int fd, uint32_t opcode, uint32_t session, const void *body, size_t size);
int ping(int fd);

/* HELLO on a connection: its status, or ENDED. */
int greet(int fd);
/* A connection that has said HELLO, of this process's user; or, of root's, of another. */
int client(void);
int client_of(uid_t user);
/* A fresh client is served within PROMPT_MS. */
void expect_service(void);

/* ---- users: the policy's clients ---- */

uid_t driver_uid(void); /* client alpha */
uid_t other_uid(void);  /* client omega */
void become(uid_t user);

/* ---- devices: tests/machine/devices.py ---- */

#define EDU "00:03.0"
#define EDU2 "00:04.0"
#define NETWORK "00:05.0"
#define DISK "00:06.0"
#define BOARD "00:07.0"
#define SHARED_MEMORY "00:08.0"
#define CARD_READER "00:09.0"
#define PAIR "01:01.0"
#define PAIR_MATE "01:02.0"
#define PORT "02:00.0"

enum { PAGE = 4096 };

struct taken {
	uint32_t handle;
	struct hwb_acquire_reply reply;
	int fds[HWB_FDS_MAX];
	uint32_t fd_count;
	volatile uint32_t *registers; /* BAR 0 if it was asked for */
};

struct hwb_pci_address address_of(const char *text);
/* `request` less its address; a status, or ENDED. `why` may be NULL, or receives what a
 * refusal says. */
int try_take(int fd, const char *address, const struct hwb_acquire_request *request,
             struct taken *taken, char *why, size_t size);
/* BAR 0 mapped; must work. */
void take(int fd, const char *address, uint32_t domain, struct taken *taken);
/* Lets go of registers, and closes the device. */
void let_go(struct taken *taken);
void give_back(int fd, struct taken *taken);

uint32_t device_state(const char *address);
void wait_state(const char *address, uint32_t state);
bool bus_master(const char *address);
void wait_driver(const char *address, const char *name);
/* Whether reading there ends a process. */
bool is_dead(const volatile uint32_t *registers);

uint32_t open_domain(int fd);
/* A descriptor of DMA memory of the broker's; dma_alloc() maps it. */
int dma_memory(int fd, uint32_t domain, uint64_t size, uint64_t *iova);
/* Memory of the broker in a domain, mapped here; its device address. */
void *dma_alloc(int fd, uint32_t domain, uint64_t size, uint64_t *iova);
/* The status of a DMA_MAP. */
int dma_map(int fd, uint32_t domain, const struct hwb_dma_map_request *wanted, int memory,
            uint64_t *iova);

bool edu_alive(volatile uint32_t *edu);
/* Starts a transfer of EDU_TRANSFER bytes, which lasts 100 ms. */
void edu_start(volatile uint32_t *edu, uint64_t iova, bool to_memory);
void edu_wait(volatile uint32_t *edu);

/* ---- the host: root only ---- */

/* Exit status of a command of the shell. */
int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same in the background, for what the kernel lets wait. */
pid_t shell_started(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What a command says, cut to `size`. */
void shell_text(char *text, size_t size, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

struct hwb_status_reply broker_status(void);
pid_t daemon_pid(void);
unsigned daemon_fds(pid_t daemon);
/* The lowest number that none of its descriptors has: the limit at which it gets no more. */
unsigned daemon_free_fd(pid_t daemon);
/* Whether it is so with any that the daemon knows. */
bool any_device(bool (*check)(const struct hwb_admin_device *device));
/* Of processor time, a hundred a second. */
unsigned daemon_ticks(pid_t daemon);
/* A soft limit of the daemon (setrlimit(2)), lifted at the end of the case at the latest. */
void limit_daemon(int resource, uint64_t limit);
void lift_limit(void);
/* Lines of the daemon's log with this text. */
unsigned logged(const char *text);
/* As a fault of it would; systemd starts the next one. */
void kill_daemon(void);
void restart_daemon(void);
/* Puts a policy into force; the usual one. */
void policy_install(const char *text);
void policy_restore(void);
/* Runs `check` until it says yes, for 10 seconds at most. */
bool within(bool (*check)(void));

#endif
