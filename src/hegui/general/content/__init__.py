"""Art. 4: what a generative service must not say, and what it must do about it.

Useful alone as a library: a keyword library over normalised text, personal information, a policy
that turns hits into actions, and a window that holds streamed text back until it is checked.
It touches no database.
"""

from hegui.general.content.checks import Checked, Checker, Verdict, Versions, load_checker, masked
from hegui.general.content.library import Library, load_library
from hegui.general.content.policy import Action, Lane, Policy, Side, load_policy
from hegui.general.content.window import Window

__all__ = [
    "Action", "Checked", "Checker", "Lane", "Library", "Policy", "Side", "Verdict", "Versions", "Window",
    "load_checker", "load_library", "load_policy", "masked",
]  # fmt: skip
