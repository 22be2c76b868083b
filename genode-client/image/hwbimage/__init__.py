# SPDX-License-Identifier: MIT
"""What goes into an initramfs, and how: used by hwbroker-mkimage and the tests."""


class Failure(Exception):
    """Something that the user must see and can act upon."""
