/* SPDX-License-Identifier: MIT */
/*
 * `top': fetches, draws, waits for a second or a key. The terminal is put back as it was,
 * however this ends; what other programs wrote on it is under the alternate screen.
 */
#define _GNU_SOURCE /* ppoll */
#include "broker.h"
#include "names.h"
#include "top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t signalled; /* the one to end by, or to stop for */
static struct termios as_it_was;

/* ---- fetching ---- */

static void free_view(struct top_view *view)
{
	free(view->problems);
	free(view->clients);
	free(view->devices);
	free(view->interrupts);
	*view = (struct top_view){ 0 };
}

/* The whole of a file of the kernel; NULL: it cannot be read. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (file == NULL)
		return NULL;
	/* To a byte that is not there: all of it. */
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

static int count_interrupts(struct top_view *view)
{
	char *text = read_file("/proc/interrupts");

	view->interrupts = calloc(view->device_count + 1, sizeof(*view->interrupts));
	for (size_t i = 0; view->interrupts != NULL && i < view->device_count; i++) {
		char address[32];
		names_address(&view->devices[i].device.address, address);
		view->interrupts[i] = text != NULL ? top_interrupts(text, address) : TOP_UNKNOWN;
	}
	free(text);
	return view->interrupts != NULL ? EXIT_OK : EXIT_REFUSED;
}

static int fetch(struct broker *broker, struct top_view *view)
{
	static union {
		struct hwb_status_reply status;
		char bytes[HWB_MESSAGE_MAX + 1];
	} reply;
	struct timespec now;
	void *records = NULL;
	uint32_t length;

	*view = (struct top_view){ 0 };
	clock_gettime(CLOCK_MONOTONIC, &now);
	view->seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	int status = broker_ask(broker, HWB_ADMIN_STATUS, &reply, HWB_MESSAGE_MAX, &length);
	view->status = reply.status;
	if (status == EXIT_OK) {
		reply.bytes[length] = '\0';
		view->problems = strdup(reply.bytes + sizeof(reply.status));
		status = view->problems != NULL ? EXIT_OK : EXIT_REFUSED;
	}
	if (status == EXIT_OK)
		status = broker_list(broker, HWB_ADMIN_CLIENTS, sizeof(struct hwb_admin_client),
		                     &records, &view->client_count);
	view->clients = records;
	records = NULL;
	if (status == EXIT_OK)
		status = broker_list(broker, HWB_ADMIN_DEVICES, sizeof(struct hwb_admin_device),
		                     &records, &view->device_count);
	view->devices = records;
	if (status == EXIT_OK)
		status = count_interrupts(view);
	if (status != EXIT_OK)
		free_view(view);
	return status;
}

/* ---- the terminal ---- */

static void on_signal(int number)
{
	signalled = number;
}

static void put_back(void)
{
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &as_it_was);
}

static void take_over(void)
{
	struct termios raw = as_it_was;

	/* Keys come one by one and are not shown; ^C and ^Z stay signals. What is too long
	 * for a line of the screen is cut by it. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
}

/* Signals come only while we wait, so that a frame is drawn whole. */
static void watch_signals(sigset_t *before)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t held;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaction(numbers[i], &action, NULL);
		sigaddset(&held, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &held, before);
}

/* Ends or stops by the signal itself, as whoever started us expects. */
static void obey(int number)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t only;

	put_back();
	sigaction(number, &action, NULL);
	sigemptyset(&only);
	sigaddset(&only, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	/* Here again only after a stop. */
	sigprocmask(SIG_BLOCK, &only, NULL);
	action.sa_handler = on_signal;
	sigaction(number, &action, NULL);
	take_over();
}

static void draw(const struct top_view *now, const struct top_view *before)
{
	struct winsize size = { .ws_col = 80, .ws_row = 24 };
	struct top_frame frame = { .now = now, .before = before, .colour = true };
	char *text = NULL;
	size_t length;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
		size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	frame.columns = size.ws_col;
	/* The last line is left free: a newline in it would scroll. */
	frame.lines = size.ws_row > 1 ? size.ws_row - 1u : 1;
	FILE *file = open_memstream(&text, &length);
	if (file == NULL)
		return;
	top_print(file, &frame);
	fclose(file);
	/* Line by line over what was there. Each is cleared first: afterwards, the cursor of a
	 * full one would stand on its last character. */
	fputs("\033[H\033[K", stdout);
	for (const char *at = text; *at != '\0'; at++) {
		fputc(*at, stdout);
		if (*at == '\n')
			fputs("\033[K", stdout);
	}
	fputs("\033[J\033[2mq: quit\033[0m", stdout);
	fflush(stdout);
	free(text);
}

/* Until a second is over; false: somebody wants it to end. */
static bool wait_a_second(const sigset_t *during)
{
	struct timespec left = { .tv_sec = 1 };
	struct pollfd keys = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	signalled = 0;
	int ready = ppoll(&keys, 1, &left, during);
	if (signalled != 0 && signalled != SIGWINCH)
		obey(signalled);
	if (ready <= 0)
		return true;
	/* The end of the input is one, too. */
	return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q';
}

/* A line a second, until somebody ends it; or one. */
static int tell(struct broker *broker, const struct context *context)
{
	const struct timespec second = { .tv_sec = 1 };
	struct top_view now, before = { 0 };
	int status;

	for (bool first = true;; first = false) {
		status = fetch(broker, &now);
		if (status != EXIT_OK)
			break;
		top_json(context->out,
		         &(struct top_frame){ .now = &now, .before = first ? NULL : &before },
		         now.problems);
		free_view(&before);
		before = now;
		if (fflush(context->out) != 0 || context->once)
			break;
		nanosleep(&second, NULL);
	}
	free_view(&before);
	return status;
}

static int run(struct broker *broker)
{
	struct top_view now, before = { 0 };
	bool first = true;
	sigset_t during;
	int status;

	if (tcgetattr(STDIN_FILENO, &as_it_was) != 0) {
		fprintf(stderr, "hwbroker-ctl: cannot read the terminal's settings: %s\n",
		        strerror(errno));
		return EXIT_REFUSED;
	}
	watch_signals(&during);
	take_over();
	do {
		status = fetch(broker, &now);
		if (status != EXIT_OK)
			break;
		draw(&now, first ? NULL : &before);
		free_view(&before);
		before = now;
		first = false;
	} while (wait_a_second(&during));
	free_view(&before);
	put_back();
	/* What was said meanwhile went with the other screen. */
	if (status != EXIT_OK)
		fputs("hwbroker-ctl: the broker does not answer any more\n", stderr);
	return status;
}

int show_top(const struct context *context)
{
	struct broker broker;
	struct top_view now;

	if (!context->json && !context->once && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
		fputs("hwbroker-ctl: `top' needs a terminal; `hwbroker-ctl top --once' prints one\n"
		      "frame, and `hwbroker-ctl top --json' is for programs\n",
		      stderr);
		return EXIT_WRONG_USAGE;
	}
	int status = broker_open(&broker, context);
	if (status != EXIT_OK)
		return status;
	if (context->json) {
		status = tell(&broker, context);
	} else if (!context->once) {
		status = run(&broker);
	} else {
		status = fetch(&broker, &now);
		if (status == EXIT_OK) {
			top_print(context->out,
			          &(struct top_frame){ .now = &now, .columns = context->width });
			free_view(&now);
		}
	}
	broker_close(&broker);
	names_end();
	return status;
}
