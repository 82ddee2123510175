"""The program `hegui`: labels of files go without the rest, which takes seconds to load."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def main() -> None:
    """Run the command that is asked for; `hegui label` alone loads only what labels need."""
    if sys.argv[1:2] == ["label"]:
        from hegui.service.labels.commands import label  # noqa: PLC0415 - the point of it

        label.main(sys.argv[2:], prog_name="hegui label", obj=_label_styles, help_option_names=["-h", "--help"])
    else:
        from hegui.cli import main as whole  # noqa: PLC0415 - as above

        whole()


def _label_styles(data: Path) -> Sequence[Any]:
    from hegui.cli import label_styles  # noqa: PLC0415 - `hegui label pack` asks the services, which are many modules

    return label_styles(data)
