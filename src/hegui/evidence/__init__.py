"""Everything that happens leaves evidence: entries, a Merkle ledger, signed checkpoints, exports.

`leave` writes an entry inside the caller's transaction; one sequencer seals entries into an
RFC 6962 tree every second; `verify.py` stands alone so that an inspector can read and run it.
"""

from hegui.evidence.entries import Entry, leave

__all__ = ["Entry", "leave"]
