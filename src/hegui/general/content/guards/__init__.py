"""Guard models: classifiers behind an API, asked about a text, their answers read strictly and led to the 31 risks.

`Guard(settings).check(texts)` gives a `GuardResult` for each text. A guard that is late, fails, or answers
in a form that is not understood leaves the text `undetermined`, never safe. See docs/guards.md.
"""

from hegui.general.content.guards.guard import Guard, load_guard
from hegui.general.content.guards.mapping import Mapping, MappingError, load_mapping
from hegui.general.content.guards.results import Finding, GuardResult, Reason, Severity, State
from hegui.general.content.guards.settings import GuardSettings, load_settings
from hegui.general.content.guards.transport import AioTransport, Transport

__all__ = [
    "AioTransport",
    "Finding",
    "Guard",
    "GuardResult",
    "GuardSettings",
    "Mapping",
    "MappingError",
    "Reason",
    "Severity",
    "State",
    "Transport",
    "load_guard",
    "load_mapping",
    "load_settings",
]
