# SPDX-License-Identifier: MIT
"""Runs the code of tutorial.md."""

import pathlib
import re

TUTORIAL = pathlib.Path(__file__).with_name("tutorial.md")

blocks = re.findall(r"^```python\n(.*?)^```$", TUTORIAL.read_text(), re.S | re.M)
assert len(blocks) >= 7, "the tutorial has lost its code"
exec(compile("\n".join(blocks), str(TUTORIAL), "exec"), {"__name__": "tutorial"})
