"""Art. 12: generated content is labelled.

For text (Labelling Measures 4(1), GB 45438-2025 5.1): a prompt with an AI element and a
generation element at the start or end of the text, or shown in the interface around it. Never
inside JSON, code or tool calls. Useful alone as a library; it touches no database.
"""

from hegui.service.labels.text import Labeller, LabelPosition, LabelStyle, check_wording, is_machine_text

__all__ = ["LabelPosition", "LabelStyle", "Labeller", "check_wording", "is_machine_text"]
