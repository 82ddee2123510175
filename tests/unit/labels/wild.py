"""What writers make of a label's value, and where they put it: one case a file, built by code with made-up codes.

`wild_pictures`, `wild_sounds` and `wild_texts` have the files; `test_wild` says what a careful person says of each.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape

from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Deviation, Label
from hegui.service.labels.xmp import NAMESPACE
from tests.unit.labels.test_files import CODE, LABEL, RDF

PRESENT, ABSENT, MALFORMED = Verdict.PRESENT, Verdict.ABSENT, Verdict.MALFORMED
MULTIPLE, CONFLICTING, UNREADABLE = Verdict.MULTIPLE, Verdict.CONFLICTING, Verdict.UNREADABLE
D = Deviation
ELSEWHERE, NO_KEY, NOT_JSON = D.OTHER_PLACE, D.NO_KEY, D.NOT_JSON
JSON = LABEL.as_json()
WRAPPED = json.dumps({"AIGC": LABEL.as_dict()}, separators=(",", ":"))
OTHERS = Label.first(CODE, "number-2").as_json()


@dataclass(frozen=True, slots=True)
class Case:
    """A file, and what a careful person says of it."""

    what: str
    name: str
    data: bytes
    verdict: Verdict
    deviations: frozenset[Deviation] = frozenset()


def case(what: str, name: str, data: bytes | str, verdict: Verdict, *deviations: Deviation) -> Case:
    return Case(what, name, data.encode() if isinstance(data, str) else data, verdict, frozenset(deviations))


def fields(**changes: object) -> str:
    """Return the label's JSON with other values; None takes a field out."""
    return json.dumps({name: value for name, value in {**LABEL.as_dict(), **changes}.items() if value is not None})


def packet(inside: str, attributes: str = "", *, prefix: str = "TC260", space: str = NAMESPACE) -> str:
    """Return an XMP packet with something in its one description."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        f'xmlns:rdf="{RDF}"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:{prefix}="{space}" {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


def element(value: str) -> str:
    return f"<TC260:AIGC>{escape(value)}</TC260:AIGC>"


LABELLED = packet(element(JSON))

# What stands in the place that the guide names.
VALUES: tuple[tuple[str, str, Verdict, tuple[Deviation, ...]], ...] = (
    ("as it should be", JSON, PRESENT, ()),
    ("wrapped as in annex E", WRAPPED, PRESENT, ()),
    ("wrapped in lower case", WRAPPED.replace("AIGC", "aigc", 1), PRESENT, ()),
    ("wrapped under the property's whole name", WRAPPED.replace("AIGC", "TC260:AIGC", 1), PRESENT, (D.WRAPPED,)),
    ("nested twice", json.dumps({"AIGC": json.loads(WRAPPED)}), PRESENT, (D.WRAPPED,)),
    ("wrapped around a text", json.dumps({"AIGC": JSON}), PRESENT, (D.DOUBLE_ENCODED,)),
    ("encoded twice", json.dumps(json.dumps(JSON)), PRESENT, (D.DOUBLE_ENCODED,)),
    ("escaped for a program", JSON.replace('"', '\\"'), PRESENT, (D.DOUBLE_ENCODED,)),
    ("entities not undone", JSON.replace('"', "&#34;"), PRESENT, (D.ESCAPED,)),
    ("percent-encoded", quote(JSON), PRESENT, (D.ESCAPED,)),
    ("in Base64", base64.b64encode(JSON.encode()).decode(), PRESENT, (D.DOUBLE_ENCODED,)),
    ("with the key before it", f"AIGC={JSON}", PRESENT, (NOT_JSON,)),
    ("with a bracket too many", JSON + "}", PRESENT, (NOT_JSON,)),
    ("with curly quotes", JSON.replace('"Label"', "“Label”").replace('"1"', "“1”"), PRESENT, (NOT_JSON,)),
    ("with a line end in a text", JSON.replace("0198f0c2-", "0198f0c2\n"), PRESENT, (NOT_JSON, D.CHARACTERS)),
    ("as a program prints it", str(LABEL.as_dict()), PRESENT, (NOT_JSON,)),
    ("in a list", f"[{JSON}]", PRESENT, (D.WRAPPED,)),
    ("keys in alphabetical order", json.dumps(LABEL.as_dict(), sort_keys=True), PRESENT, ()),
    ("keys in lower case", json.dumps({key.lower(): value for key, value in LABEL.as_dict().items()}), PRESENT, (D.KEY_CASE,)),
    ("keys as an API has them", JSON.replace("ContentProducer", "content_producer").replace("ProduceID", "produce_id"), PRESENT,
     (D.KEY_CASE,)),
    ("one key in camel case", JSON.replace("ContentProducer", "contentProducer"), PRESENT, (D.KEY_CASE,)),
    ("misspelt reserved codes", JSON.replace("ReservedCode", "ReserveCode"), PRESENT, (D.MISSING_FIELD, D.UNKNOWN_FIELD)),
    ("reserved codes null", fields().replace('"ReservedCode1": ""', '"ReservedCode1": null'), PRESENT, (D.NULL_VALUE,)),
    ("numbers for texts", fields(Label=1, ProduceID=42), PRESENT, (D.NOT_TEXT,)),
    ("a name for a code", fields(ContentProducer="示例科技", ContentPropagator="示例科技"), PRESENT,
     (D.CHARACTERS, D.PRODUCER_CODE, D.PROPAGATOR_CODE)),
    ("a credit code that is none", JSON.replace("Y43", "Y44"), PRESENT, (D.CHECK_CHARACTER,)),
    ("22 characters of code", JSON.replace(CODE, CODE[:22]), PRESENT, (D.PRODUCER_CODE, D.PROPAGATOR_CODE)),
    ("no propagator", fields(ContentPropagator="", PropagateID=""), PRESENT, (D.FIRST_WRITE_EQUALITY,)),
    ("three fields", fields(ReservedCode1=None, ReservedCode2=None, ContentPropagator=None, PropagateID=None), PRESENT, (D.MISSING_FIELD,)),
    ("more fields", fields(Timestamp="1"), PRESENT, (D.UNKNOWN_FIELD,)),
    ("possibly", fields(Label="2"), PRESENT, ()), ("suspected", fields(Label="3"), PRESENT, ()),
    ("an older schema", json.dumps({"Label": "1", "ServiceProvider": CODE, "ServiceUser": "a", "Time": "1", "ContentId": "b"}), PRESENT,
     (D.OLD_SCHEMA, D.MISSING_FIELD)),
    ("Label 4", fields(Label="4"), MALFORMED, (D.LABEL_VALUE,)),
    ("Label AIGC", fields(Label="AIGC"), MALFORMED, (D.LABEL_VALUE,)),
    ("Label null", fields().replace('"Label": "1"', '"Label": null'), MALFORMED, (D.LABEL_VALUE, D.NULL_VALUE)),
    ("Label missing", fields(Label=None), MALFORMED, (D.LABEL_VALUE, D.MISSING_FIELD)),
    ("cut off", JSON[:60], MALFORMED, (NOT_JSON,)),
    ("words", "本内容由AI生成", MALFORMED, (NOT_JSON,)),
    ("a scalar", "true", MALFORMED, (NOT_JSON,)),
    ("nothing", "", MALFORMED, (NOT_JSON,)),
    ("a private object", '{"aigc_type":1}', ABSENT, ()),
    ("a private object, wrapped", '{"aigc_info":"{\\"aigc_type\\":1,\\"is_sticker_aigc\\":0}"}', ABSENT, ()),
)  # fmt: skip
