"""Personal information in text, Chinese first, with check digits or context so that few things are mistaken for it.

Works on folded text (full width is half width by then). `TAILS` say which end of a text could
still become a hit, so that a stream holds just that. See docs/personal.md.
"""

from hegui.general.content.personal.checksums import luhn_valid, resident_id_valid
from hegui.general.content.personal.doubtful import doubtful
from hegui.general.content.personal.finding import ANY_LONG, find
from hegui.general.content.personal.kinds import KIND_NAMES, Found, Kind
from hegui.general.content.personal.masking import mask
from hegui.general.content.personal.names import NAME, NameFinder, from_tagger, lac
from hegui.general.content.personal.tails import NUMBER_ENDS, NUMBERS, REACH, TAILS, ends
from hegui.kit.uscc import uscc_valid

__all__ = [
    "ANY_LONG",
    "KIND_NAMES",
    "NAME",
    "NUMBERS",
    "NUMBER_ENDS",
    "REACH",
    "TAILS",
    "Found",
    "Kind",
    "NameFinder",
    "doubtful",
    "ends",
    "find",
    "from_tagger",
    "lac",
    "luhn_valid",
    "mask",
    "resident_id_valid",
    "uscc_valid",
]
