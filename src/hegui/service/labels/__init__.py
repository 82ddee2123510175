"""Art. 12: generated content is labelled.

For text (Labelling Measures 4(1), GB 45438-2025 5.1): a prompt with an AI element and a
generation element at the start or end of the text, or shown in the interface around it. Never
inside JSON, code or tool calls. For files (Measures 5, GB 45438-2025 6.1): one label in the
metadata, written by `files.write` and read by `files.inspect`. Useful alone as a library; it
touches no database. There is no function that takes a label away.
"""

from hegui.service.labels.text import Labeller, LabelPosition, LabelStyle, check_wording, is_machine_text

__all__ = ["LabelPosition", "LabelStyle", "Labeller", "check_wording", "is_machine_text"]
