"""The operator's files as the server loaded them: read once in a process, kept for its life."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hegui.general.content.audit import Renewal, renewal
from hegui.general.content.library import Library, load_library
from hegui.general.content.policy import Policy, load_policy
from hegui.kit.settings import Settings
from hegui.kit.text import Bi


@lru_cache(maxsize=4)
def _library(path: str) -> Library:
    return load_library(Path(path) if path else None)


@lru_cache(maxsize=4)
def _policy(path: str) -> Policy:
    return load_policy(Path(path) if path else None)


def library(settings: Settings) -> Library:
    """Return the operator's keyword library; raise LibraryError."""
    return _library(settings.library)


def policy(settings: Settings) -> Policy:
    """Return the operator's policy, over which versions are written; raise PolicyError."""
    return _policy(settings.policy)


def file_renewal(settings: Settings) -> Renewal:
    """Return when the operator's file was renewed; the sample that hegui ships has no such day."""
    if not settings.library:
        return Renewal(None, Bi("只有内置样例词库", "the shipped sample library alone"))
    return renewal(Path(settings.library), None)
