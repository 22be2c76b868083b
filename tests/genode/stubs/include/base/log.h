/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/log.h: the log. */
#ifndef GENODE_STUB_BASE_LOG_H
#define GENODE_STUB_BASE_LOG_H

#include <base/mutex.h>
#include <base/output.h>

namespace Genode
{

enum class Stub_log { LOG, WARNING, ERROR };

/* where a line of the log goes; the end of it */
Output &stub_log_begin(Stub_log);
void stub_log_end();

void stub_log_line(Stub_log kind, auto const &...args)
{
	print(stub_log_begin(kind), args...);
	stub_log_end();
}

void log(auto &&...args)
{
	stub_log_line(Stub_log::LOG, args...);
}
void warning(auto &&...args)
{
	stub_log_line(Stub_log::WARNING, args...);
}
void error(auto &&...args)
{
	stub_log_line(Stub_log::ERROR, args...);
}

} // namespace Genode

#endif
