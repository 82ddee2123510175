"""Art. 4 and 14: what the checks only flag goes to people, who decide and from whose decisions the checks learn.

Nothing is queued twice, every item has a clock and an owner, and a sample is reviewed by two people who do not see
each other's decision. What a decision leads to outside this room is told by `WordProposed` and `ExceptionProposed`.
"""

from hegui.general.review.events import ExceptionProposed, WordProposed

__all__ = ["ExceptionProposed", "WordProposed"]
