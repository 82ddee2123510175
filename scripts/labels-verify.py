"""Writes docs/labels-verify.md: what `hegui label verify` says of ten layouts of real writers (a development tool).

python scripts/labels-verify.py
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.unit.labels.layouts import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
