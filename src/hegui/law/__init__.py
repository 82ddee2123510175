"""The law as data and the reading of it: instruments, obligations, risks, working days."""

from hegui.law.citations import cite
from hegui.law.register import Register, register
from hegui.law.risks import Risks, risks

__all__ = ["Register", "Risks", "cite", "register", "risks"]
