/* SPDX-License-Identifier: MIT */
/* Stands for Genode's irq_args.h: arguments of an IRQ session. */
#ifndef GENODE_STUB_IRQ_ARGS_H
#define GENODE_STUB_IRQ_ARGS_H

#include <irq_session/irq_session.h>
#include <types.h>
#include <util/arg_string.h>

namespace Core
{

class Irq_args
{
	long _number, _type;

      public:
	Irq_args(char const *args)
	    : _number(Arg_string::find_arg(args, "irq_number").long_value(-1)),
	      _type(Arg_string::find_arg(args, "irq_type").long_value(0))
	{
	}

	long irq_number() const
	{
		return _number;
	}
	bool msi() const
	{
		return _type == Irq_session::TYPE_MSI || _type == Irq_session::TYPE_MSIX;
	}
};

} // namespace Core

#endif
