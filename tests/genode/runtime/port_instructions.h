/* SPDX-License-Identifier: MIT */
/*
 * Instructions that touch ports. A test has no right to them, so that each ends in a signal;
 * there it is noted, and carried out as the broker of the test would.
 */
#ifndef GENODE_STUB_PORT_INSTRUCTIONS_H
#define GENODE_STUB_PORT_INSTRUCTIONS_H

namespace Stub_runtime
{

void catch_port_instructions();

/* How often these words were noted: `in 8 at 0x40', `out 16 at 0x42: 0xabcd', a line each. */
unsigned port_instructions(char const *words);

} // namespace Stub_runtime

#endif
