# SPDX-License-Identifier: MIT
"""What the virtual PC has from the tool that makes images of the project's own."""

import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "genode-client/image"
sys.path.insert(0, str(FOLDER))

# pylint: disable=wrong-import-position,unused-import
from hwbimage import Failure, cpio, modules  # noqa: E402,F401
