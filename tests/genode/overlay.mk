# SPDX-License-Identifier: MIT
# Reads one makefile of the overlay as Genode's build system does, and prints what it
# makes of it: a line `include DIRECTORY' or `source FILE' each.
#
# DESCRIPTION: core-linux.mk or a target.mk; OVERLAY, STUBS: these directories; GENODES: one with
# a file of each name that Genode has, which is found where the overlay replaces none.
# REP_DIR comes with the command line, as in Genode.

# What Genode's build directory is for, of which its makefiles ask for x86.
SPECS        := $(or $(OVERLAY_SPECS),x86_64 x86 64bit)
REPOSITORIES := $(OVERLAY) $(STUBS)/repo
INC_DIR      := .

select_from_repositories = $(firstword $(wildcard $(addsuffix /$(1),$(REPOSITORIES))))

ifeq ($(notdir $(DESCRIPTION)),target.mk)
PRG_DIR := $(patsubst %/,%,$(dir $(DESCRIPTION)))
vpath %.cc $(PRG_DIR)
vpath %.c  $(PRG_DIR)
else
LIB_MK  := $(DESCRIPTION)
endif

include $(DESCRIPTION)

ifneq ($(firstword $(INC_DIR)),.)
$(error $(DESCRIPTION) assigns INC_DIR, to which it may only append)
endif
ifneq ($(PRG_DIR),)
ifeq ($(TARGET),)
$(error $(DESCRIPTION) has no TARGET)
endif
endif
# of each repository, behind what is said there
INC_DIR += $(OVERLAY)/include $(STUBS)/include

.DEFAULT_GOAL := sources
.PHONY: sources
sources: $(SRC_CC) $(SRC_C)
	@printf 'include %s\n' $(wordlist 2,99,$(INC_DIR))
	@printf 'source %s\n' $^
