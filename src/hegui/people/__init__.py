"""Accounts, roles kept apart, what each role may do, sessions, and API keys of applications."""

from hegui.people.permits import Act, Role, permits

__all__ = ["Act", "Role", "permits"]
