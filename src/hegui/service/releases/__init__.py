"""Labelling Measures 9: content without the explicit label, on a user's request, and the log of it.

A grant comes first: the user asks, is shown the clause of the agreement, accepts the duty to label, and a
person at the operator approves. Then, and only then, what is generated for that user can be given without
the explicit label; the implicit one goes along, and each content is logged. Nothing here takes a label off
content that has one.
"""

from hegui.service.releases.giving import Release, Releases

__all__ = ["Release", "Releases"]
