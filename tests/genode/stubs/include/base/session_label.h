/* SPDX-License-Identifier: MIT */
/* Stands for Genode's base/session_label.h: who asks. */
#ifndef GENODE_STUB_BASE_SESSION_LABEL_H
#define GENODE_STUB_BASE_SESSION_LABEL_H

#include <util/string.h>

namespace Genode
{

struct Session_label : String<160> {
	using String<160>::String;

	Session_label last_element() const;
};

Session_label label_from_args(char const *args);

} // namespace Genode

#endif
