/* SPDX-License-Identifier: MIT */
/* init.conf as hwb-init reads it: what is written is what is meant, or a mistake that
 * names its line. */
#include "config.h"
#include "config_keys.h"
#include "suite.h"
#include "util/cleanup.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION "[session core]\ncommand = ./core\nuser = 1000\ngroup = 1000\n"

static struct config config;

/* The mistakes, as they would be said; "" if there is none. */
static char *mistakes(const char *text)
{
	struct report report = { 0 };

	config_read_text(&config, text, strlen(text), &report);
	const char *const file = "init.conf";
	char *said = report_text(&report, &file);
	ck_assert_ptr_nonnull(said);
	report_release(&report);
	return said;
}

static void fits(const char *text)
{
	_cleanup_free_ char *said = mistakes(text);

	ck_assert_str_eq(said, "");
}

static void refused(const char *text, const char *mistake)
{
	_cleanup_free_ char *said = mistakes(text);

	ck_assert_msg(strstr(said, mistake) != NULL, "instead of `%s':\n%s", mistake, said);
}

START_TEST(defaults)
{
	fits(SESSION);
	ck_assert_int_eq(config.on_error, END_HOLD);
	ck_assert_uint_eq(config.module_count, 0);
	ck_assert_str_eq(config.broker, "/usr/sbin/hwbrokerd");
	ck_assert_uint_eq(config.ready_seconds, 30);
	ck_assert_uint_eq(config.broker_stop_seconds, 10);
	ck_assert(config.broker_needed);
	ck_assert_uint_eq(config.session_count, 1);
	const struct config_session *session = &config.sessions[0];
	ck_assert_str_eq(session->name, "core");
	ck_assert_str_eq(session->command, "./core");
	ck_assert_str_eq(session->directory, "/");
	ck_assert_uint_eq(session->user, 1000);
	ck_assert_uint_eq(session->group, 1000);
	ck_assert_uint_eq(session->memlock, 8u << 20);
	ck_assert_uint_eq(session->files, 65536);
	ck_assert_uint_eq(session->processes, 4096);
	ck_assert_uint_eq(session->stop_seconds, 10);
	ck_assert_int_eq(session->at_end, END_RESTART);
}
END_TEST

START_TEST(everything_written)
{
	fits("# a comment\n"
	     "[init]\n"
	     "on_error = reboot\n"
	     "module = /lib/modules/vfio.ko\n"
	     "module = /lib/modules/vfio_pci.ko disable_idle_d3=1  ids=1:2 ; behind\n"
	     "[broker]\n"
	     "command = /sbin/b --policy /p\n"
	     "ready = 5\n"
	     "stop = 6\n"
	     "needed = no\n"
	     "[session a]\n"
	     "command = /s/a x y\n"
	     "directory = /s\n"
	     "user = 7\n"
	     "group = 8\n"
	     "memlock = 1G\n"
	     "files = 100\n"
	     "processes = 10\n"
	     "stop = 2\n"
	     "at_end = poweroff\n"
	     "[session b]\n"
	     "command = /s/b\n"
	     "user = 0\n"
	     "group = 0\n"
	     "at_end = hold\n");
	ck_assert_int_eq(config.on_error, END_REBOOT);
	ck_assert_uint_eq(config.module_count, 2);
	ck_assert_str_eq(config.modules[0].path, "/lib/modules/vfio.ko");
	ck_assert_str_eq(config.modules[0].parameters, "");
	ck_assert_uint_eq(config.modules[0].line, 4);
	ck_assert_str_eq(config.modules[1].path, "/lib/modules/vfio_pci.ko");
	ck_assert_str_eq(config.modules[1].parameters, "disable_idle_d3=1  ids=1:2");
	ck_assert_uint_eq(config.modules[1].line, 5);
	ck_assert_str_eq(config.broker, "/sbin/b --policy /p");
	ck_assert_uint_eq(config.broker_line, 7);
	ck_assert_uint_eq(config.ready_seconds, 5);
	ck_assert_uint_eq(config.broker_stop_seconds, 6);
	ck_assert(!config.broker_needed);
	ck_assert_uint_eq(config.session_count, 2);
	const struct config_session *session = &config.sessions[0];
	ck_assert_uint_eq(session->line, 11);
	ck_assert_str_eq(session->command, "/s/a x y");
	ck_assert_str_eq(session->directory, "/s");
	ck_assert_uint_eq(session->user, 7);
	ck_assert_uint_eq(session->group, 8);
	ck_assert_uint_eq(session->memlock, 1u << 30);
	ck_assert_uint_eq(session->files, 100);
	ck_assert_uint_eq(session->processes, 10);
	ck_assert_uint_eq(session->stop_seconds, 2);
	ck_assert_int_eq(session->at_end, END_POWEROFF);
	ck_assert_str_eq(config.sessions[1].name, "b");
	ck_assert_int_eq(config.sessions[1].at_end, END_HOLD);
}
END_TEST

START_TEST(mistakes_name_their_line)
{
	refused(SESSION "at_end = poweroof\n",
	        "init.conf:5: `at_end': `poweroof' is none of restart, hold, reboot and poweroff; "
	        "did you mean `poweroff'?");
	refused("[init]\non_error = restart\n" SESSION,
	        "init.conf:2: `on_error': `restart' is none of hold, reboot and poweroff");
	refused(SESSION "comand = x\n",
	        "init.conf:5: [session] has no key `comand'; did you mean `command'?");
	refused(SESSION "user = 1\n", "init.conf:5: `user' is already set in line 3");
	refused(SESSION "[session core]\n",
	        "init.conf:5: [session core] is there already, in line 1");
	refused("[session core]\nuser = 1\n", "init.conf:1: [session core] has no `command'");
	refused("[session core]\ncommand = x\ngroup = 1\n" SESSION,
	        "init.conf:1: [session core] has no `user'");
	refused("[session]\n", "init.conf:1: section has no name; write [session NAME]");
	refused("[session a/b]\n", "init.conf:1: name `a/b' has an odd character");
	refused("[init]\n[init]\n" SESSION, "init.conf:2: [init] is there already, in line 1");
	refused("[init x]\n" SESSION, "init.conf:1: [init] takes no name, but has `x'");
	refused("[brokr]\n" SESSION,
	        "init.conf:1: there is no kind of section `brokr'; did you mean "
	        "`broker'?");
	refused("user = 1\n" SESSION, "init.conf:1: `user' stands before the first section");
	refused("[broker]\nready = soon\n" SESSION,
	        "init.conf:2: `ready': `soon' is not a whole number");
	refused("[broker]\nready = 0\n" SESSION, "init.conf:2: `ready': 0 is not within 1 to 3600");
	refused("[broker]\nneeded = true\n" SESSION, "init.conf:2: `needed': `true' is neither");
	refused("[init]\nmodule = vfio.ko\n" SESSION,
	        "init.conf:2: `module': `vfio.ko' is no absolute path");
	refused(SESSION "directory = here\n",
	        "init.conf:5: `directory': `here' is no absolute path");
	refused(SESSION "user 5\n", "init.conf:5: `user 5' has no value");
	refused("", "init.conf: no [session NAME]: there is nothing to run");
}
END_TEST

/* A section that is not known is one mistake, not one for each of its keys. */
START_TEST(keys_of_a_bad_section)
{
	_cleanup_free_ char *said = mistakes("[sesion core]\ncommand = x\nuser = 1\n" SESSION);

	ck_assert_str_eq(said, "init.conf:1: there is no kind of section `sesion'; did you mean "
	                       "`session'?\n");
}
END_TEST

START_TEST(no_more_than_there_is_room_for)
{
	char text[8192] = "[init]\n", line[64];

	for (int i = 0; i <= CONFIG_MODULES; i++)
		strcat(text, "module = /m\n");
	for (int i = 0; i <= CONFIG_SESSIONS; i++) {
		snprintf(line, sizeof(line), "[session s%d]\ncommand=x\nuser=1\ngroup=1\n", i);
		strcat(text, line);
	}
	_cleanup_free_ char *said = mistakes(text);
	ck_assert_ptr_nonnull(strstr(said, "init.conf:66: `module': at most 64 modules"));
	ck_assert_ptr_nonnull(strstr(said, "init.conf:99: at most 8 sessions"));
	ck_assert_uint_eq(config.module_count, CONFIG_MODULES);
	ck_assert_uint_eq(config.session_count, CONFIG_SESSIONS);
}
END_TEST

START_TEST(every_key_is_in_the_man_page)
{
	static const char *const headings[] = {
		[SECTION_INIT] = "\n## [init]\n",
		[SECTION_BROKER] = "\n## [broker]\n",
		[SECTION_SESSION] = "\n## [session NAME]\n",
	};
	static char page[1 << 16];
	size_t items = 0;
	FILE *file = fopen(DOCS_DIR "/hwb-init.8.scd", "r");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_lt(fread(page, 1, sizeof(page) - 1, file), sizeof(page) - 1);
	fclose(file);
	for (size_t i = 0; i < config_key_count; i++) {
		char item[64];
		const char *section = strstr(page, headings[config_keys[i].section]);
		snprintf(item, sizeof(item), "\n*%s* = ", config_keys[i].name);
		const char *end = section != NULL ? strstr(section + 1, "\n#") : NULL;
		const char *at = section != NULL ? strstr(section, item) : NULL;
		ck_assert_msg(at != NULL && end != NULL && at < end, "%s in%s", config_keys[i].name,
		              headings[config_keys[i].section]);
	}
	for (const char *at = strstr(page, "\n*"); at != NULL; at = strstr(at + 1, "\n*"))
		items += strncmp(strchr(at + 2, '*'), "* = ", 4) == 0;
	ck_assert_uint_eq(items, config_key_count);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("init_config");
	TCase *tests = tcase_create("init_config");

	tcase_add_test(tests, defaults);
	tcase_add_test(tests, everything_written);
	tcase_add_test(tests, mistakes_name_their_line);
	tcase_add_test(tests, keys_of_a_bad_section);
	tcase_add_test(tests, no_more_than_there_is_room_for);
	tcase_add_test(tests, every_key_is_in_the_man_page);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
