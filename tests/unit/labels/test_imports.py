"""Each module of labels can be the first that a program imports."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

from hegui.service import labels

_EACH = """
import importlib, sys
for name in sys.argv[1:]:
    for loaded in [module for module in sys.modules if module.startswith("hegui.service")]:
        del sys.modules[loaded]
    importlib.import_module(name)
    print(name)
"""


def test_each_module_can_be_imported_first() -> None:
    names = [module.name for module in pkgutil.iter_modules(labels.__path__, f"{labels.__name__}.")]
    done = subprocess.run([sys.executable, "-c", _EACH, *names], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (names, "")
