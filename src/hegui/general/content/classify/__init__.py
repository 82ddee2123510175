"""A linear classifier that an operator trains on its own labels in seconds; numpy alone.

`Model.load(path).scores(text)` gives a score for each risk in tens of microseconds. A score is triage: it says
where to look, and by default it never blocks alone. See docs/classifier.md.
"""

from hegui.general.content.classify.labels import Labels, LabelsError, Record, read_labels
from hegui.general.content.classify.model import LANE, Finding, Model, ModelError
from hegui.general.content.policy import UNMAPPED

__all__ = [
    "LANE", "UNMAPPED", "Finding", "Labels", "LabelsError", "Model", "ModelError", "Record", "read_labels",
]  # fmt: skip
