"""Art. 4: the rulebook (规则簿), what people put in force while the service runs, with who, why and evidence.

Versions of the policy, words with their exceptions, and set answers. Nobody approves what they wrote;
what one person puts in force alone, because it is urgent, lapses after a day. `reading` is what the
gateway's workers read; a word's text is kept in the database and never in the ledger.
"""

from hegui.general.rulebook.reading import CHANNEL, Reading, read_book, read_book_async

__all__ = ["CHANNEL", "Reading", "read_book", "read_book_async"]
