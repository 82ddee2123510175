"""The compiled kernel, where it was built when hegui was installed and is wanted; else Python does the same, more slowly.

It is optional everywhere: whoever uses it keeps the plain form beside it, and both give the same
(docs/decisions/0024-native-kernel.md). The environment variable `WITHOUT_HEGUI_KERNEL`, set to anything, leaves it out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Final

from hegui.kit.text import Bi

if TYPE_CHECKING:
    from hegui.general.content import _kernel

WITHOUT: Final = "WITHOUT_HEGUI_KERNEL"
_INTERFACE: Final = 2
"""That of `_kernel.c`: what was built from other sources is not used."""


def _load() -> ModuleType | None:
    if os.environ.get(WITHOUT):
        return None
    try:
        from hegui.general.content import _kernel  # noqa: PLC0415 - not on every machine
    except ImportError:
        return None
    return _kernel if _kernel.INTERFACE == _INTERFACE else None


_KERNEL: Final = _load()
Table: Final[type[_kernel.Table] | None] = _KERNEL.Table if _KERNEL else None
"""Passes over texts by what each character becomes."""
Reader: Final[type[_kernel.Reader] | None] = _KERNEL.Reader if _KERNEL else None
"""The costs of readings by a lexicon."""
sums: Final[Callable[..., bytes] | None] = _KERNEL.sums if _KERNEL else None
"""Sums of a linear model's weights."""


def in_use() -> Bi:
    """Return which form is in use, for people."""
    if _KERNEL:
        return Bi("编译的内核", "the compiled kernel")
    return Bi("纯 Python（较慢：没有编译的内核）", "plain Python (slower: there is no compiled kernel)")
