"""Ten layouts of labels as real writers write them, built again by code with made-up codes; and docs/labels-verify.md, made from them.

The files that they follow are in ../shared/labelling-samples; `test_layouts` holds these against those, and the
page against the program. `python scripts/labels-verify.py` writes the page.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from hegui.kit.text import Bi
from hegui.service.labels import explain, files, signatures, sm2
from hegui.service.labels.commands import label
from hegui.service.labels.containers.mp4 import Mp4
from hegui.service.labels.files import Verdict
from hegui.service.labels.schema import Deviation, Label
from hegui.service.labels.xmp import NAMESPACE
from tests.unit.labels import pictures, wild_pictures, wild_sounds, wild_texts
from tests.unit.labels.media import made
from tests.unit.labels.test_files import png, text_chunk

PAGE = Path(__file__).parents[3] / "docs/labels-verify.md"
USCC = "91350100M000100Y43"
MAKER, CARRIER = f"0011{USCC}18705", f"0011{USCC}28705"


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout: the file it is built as, what it is, how it is built, and the sample that it follows."""

    name: str
    what: Bi
    build: Callable[[], bytes]
    sample: str
    key: str = ""
    """The payload inside the sample, where it holds several; and how it is put into a file is this layout's way."""


def _front_matter(indent: str = "    ", quote: str = "", **fields: str) -> str:
    lines = [f"{indent}{name}: {quote}{value}{quote}" if value else f'{indent}{name}: ""' for name, value in fields.items()]  # fmt: skip
    return "---\nAIGC:\n" + "\n".join(lines) + "\n---\n\n"


def _two_codes() -> bytes:
    return _front_matter(
        Label="1", ContentProducer=MAKER, ProduceID="7628902657591378182-data_volume/files/所有对话/说明.md",
        ReservedCode1="", ContentPropagator=CARRIER, PropagateID="4193982937834411#1780483412837", ReservedCode2="",
    ).replace("Label: 1", 'Label: "1"').encode()  # fmt: skip


def _escaped() -> bytes:
    lines = _two_codes().decode().replace("_", "\\_").replace("    ", "").split("\n")
    return "\n".join(["\\---", "", *lines[1:]]).encode()


def _signed() -> bytes:
    """Return what signs SM3 of the message in the first slot, and something unknown in the second."""
    private, public = sm2.new_key()
    first = Label.first(MAKER, "142569260085903360")
    digest = hashlib.new("sm3", signatures.message(first)).digest()

    def code(text: bytes) -> str:
        signature = sm2.to_der(sm2.sign(private, public, text)).hex().upper()
        parts = [
            {"Type": "DS", "AlgID": signatures.ALGORITHM, "TBSData": {"Type": "LabelMataData"}, "Signature": signature},
            {"Type": "PubKey", "AlgID": signatures.ALGORITHM, "KeyValue": f"04{public.hex().upper()}"},
        ]
        body = {"SecurityData": {"Type": "TC260PG", "Version": 1, "PubSD": parts}}
        return json.dumps(body, separators=(",", ":"))

    fields = {
        **first.as_dict(),
        "ReservedCode1": code(digest),
        "ReservedCode2": code(b"what is signed here is not known"),
    }
    return _front_matter("  ", "'", **fields).encode()


def _opaque() -> bytes:
    number, code = "4c8a8bb6f995287693e182da72e4edfd_bc87c5e2891a11f1a68c525400826444", "xRvU+WQIqnARbaCbwG70" * 8 + "="
    fields = {**Label.first(MAKER, number).as_dict(), "ReservedCode1": code, "ReservedCode2": code}
    return _front_matter(**fields).replace("Label: 1", 'Label: "1"').encode()


def _attribute() -> bytes:
    value = '{"Label":"1","ContentProducer":"example"}'.replace('"', "&quot;")
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'rdf:about="" xmlns:TC260="{NAMESPACE}" TC260:AIGC="{value}"/></rdf:RDF></x:xmpmeta>'
    )
    return in_xmp(packet.encode())


def in_xmp(packet: bytes) -> bytes:
    return pictures.jpeg(pictures.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet))


def _alphabetical() -> bytes:
    fields = {"ContentPropagator": MAKER, "Label": "1", "ProduceID": "u:100834564696/task:e5118399e50d44ca"}
    return png(text_chunk(b"AIGC", json.dumps(fields, separators=(",", ":"))))


def _no_propagator() -> str:
    fields = {**Label.first(MAKER, "sample-001").as_dict(), "ContentPropagator": "", "PropagateID": ""}
    return json.dumps(fields, separators=(",", ":"))


def in_film(value: str) -> bytes:
    out = io.BytesIO()
    Mp4().write(io.BytesIO(made("mp4", "mpeg4")), out, value)
    return out.getvalue()


def in_comment(value: str) -> bytes:
    return pictures.jpeg(pictures.segment(0xE1, pictures.comment(value)))


def _answer() -> bytes:
    fields = {**Label.first("000123", "testProduceId").as_dict(), "PropagateID": "testPropagatorId"}
    return json.dumps({"AIGC": {**fields, "ReservedCode1": "ewogICAg", "ReservedCode2": "ewogICAg"}}).encode()


LAYOUTS: tuple[Layout, ...] = (
    Layout("two-codes.md", Bi("Markdown 文件头，生成方与传播方编码不同，编号里有中文路径",
           "Markdown front matter, producer and propagator differ, a Chinese path in the number"), _two_codes, "bytedance_91110102MACQD9K640_md.md"),
    Layout("escaped.md", Bi("同上，文件头被 Markdown 编辑器改坏", "the same, its front matter spoilt by a Markdown editor"),
           _escaped, "bytedance_escaped_broken_md.md"),
    Layout("signed.md", Bi("Markdown 文件头，两个保留字段都有 SM2 签名，第一个签的是消息的 SM3",
           "Markdown front matter, SM2 signatures in both reserved codes, the first over SM3 of the message"), _signed, "stepfun_md_1.md"),
    Layout("opaque.md", Bi("Markdown 文件头，保留字段是不公开的 Base64", "Markdown front matter, reserved codes in Base64 of unknown meaning"),
           _opaque, "tencent_91440300708461136T_md.md"),
    Layout("attribute.jpg", Bi("JPEG，XMP 属性形式，只有两个字段", "JPEG, as an XMP attribute, two fields only"),
           _attribute, "picwish_xmp_attribute.xml"),
    Layout("alphabetical.png", Bi("PNG tEXt，键按字母排序，只有三个字段", "PNG tEXt, keys in alphabetical order, three fields only"),
           _alphabetical, "qwen_png_tEXt_prefix.bin"),
    Layout("no-propagator.mp4", Bi("MP4 ilst，传播方字段为空", "MP4 ilst, the propagator's fields empty"),
           lambda: in_film(_no_propagator()), "jimeng_like_mp4_ilst.json"),
    Layout("comment.jpg", Bi("JPEG EXIF UserComment，带 AIGC 外层", "JPEG EXIF UserComment, wrapped in AIGC"),
           lambda: in_comment(f'{{"AIGC":{_no_propagator()}}}'.replace(MAKER, "ExampleStudio")), "aigctotal_corpus_payloads.json", "wrapped"),
    Layout("answer.json", Bi("某云接口的回答，编码不是 27 位", "a cloud's answer, codes that are not of 27 characters"),
           _answer, "tencent_ci_api_response.json"),
    Layout("private.json", Bi("某平台的私有字段，不是标识", "a private field of a platform, which is no label"),
           lambda: b'{"data":{"aigc_info":"{\\"aigc_type\\":1}"}}', "douyin_private_aigc_info_not_TC260.json"),
)  # fmt: skip


def verified(name: str, data: bytes) -> tuple[int, str]:
    """Return exit code and output of `hegui label verify NAME`, as a user sees them."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(data)
        os.chdir(folder)
        try:
            done = CliRunner().invoke(label, ["verify", name])
        finally:
            os.chdir(before)
    return done.exit_code, done.output


def places() -> list[str]:
    """Return, for each format, where a label was read in the files of `wild_*`: where the guide wants it, and elsewhere."""
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for item in (*wild_pictures.CASES, *wild_sounds.CASES, *wild_texts.CASES):
        told = files.inspect_bytes(item.data, item.name)
        for reading in told.readings if item.verdict is Verdict.PRESENT else ():
            usual, others = found.setdefault(told.container, ({}, {}))
            odd = {Deviation.OTHER_PLACE, Deviation.NO_KEY} & set(reading.deviations)
            (others if odd else usual)[f"`{explain.shown(reading.place)}`"] = None
    return [
        f"| {name} | {', '.join(usual)} | {', '.join(others) or '—'} |"
        for name, (usual, others) in sorted(found.items())
    ]


def page() -> str:
    """Return docs/labels-verify.md."""
    lines = [
        "# 十种常见写法的核验结果 / What `hegui label verify` says of ten real layouts",
        "",
        "写法来自真实文件，按原样用代码重建，编码是虚构的；由 `python scripts/labels-verify.py` 生成，测试保证与程序一致。退出码：0 合规，1 不合规，2 无法判定。",
        "",
        "The layouts are those of real files, built again by code with made-up provider codes. Written by `python scripts/labels-verify.py`; a test "
        "holds the page against the program. Exit codes: 0 complies, 1 does not, 2 undetermined.",
    ]
    for number, item in enumerate(LAYOUTS, 1):
        code, said = verified(item.name, item.build())
        lines += [
            "",
            f"## {number}. {item.what.zh}",
            "",
            f"{item.what.en[0].upper()}{item.what.en[1:]}. 退出码 / exit code {code}.",
        ]
        lines += ["", "```text", f"$ hegui label verify {item.name}", said.rstrip(), "```"]
    lines += [
        "",
        "## 其他位置",
        "",
        "Other places. 测试用近五百份按真实写法构造的文件核对读取，下表是其中读到标识的位置；不在指南规定的位置或没有键名的，照读并说明偏差。",
        "",
        "The tests hold the reader against nearly five hundred files built as writers leave them; these are the places in which it found a label. "
        "What stands elsewhere than the guide wants, or without its key, is read and told as a deviation.",
        "",
        "| 格式 format | 指南的位置与通行写法 guide and practice | 别处 elsewhere |",
        "|---|---|---|",
        *places(),
    ]
    return "\n".join(lines) + "\n"
