"""The pages of the pack and its index: methods and positions, the clauses they answer, the agreement's clause on labels."""

from __future__ import annotations

from typing import Any

from hegui.kit.text import Bi
from hegui.law.register import register
from hegui.service.labels.files import VERDICT_NAMES, Verdict
from hegui.service.labels.pack.clauses import NO_MEDIA, NO_SCREENSHOT, answers
from hegui.service.labels.pack.pages import Block, as_html, markdown, table
from hegui.service.labels.pack.told import Done, Told

TITLE = Bi("人工智能生成合成内容标识材料", "Labelling of AI-generated and synthetic content: material")
GROUNDS: dict[str, Bi] = {
    "scene": Bi("图片角标，普通画面", "the mark on a picture"),
    "dark": Bi("图片角标，暗画面", "the mark on a dark picture"),
    "light": Bi("图片角标，亮画面", "the mark on a light picture"),
    "busy": Bi("图片角标，杂画面", "the mark on a busy picture"),
    "video": Bi("视频起始画面的标识", "the mark on the opening picture of a film"),
}
_KINDS: dict[str, Bi] = {
    "image": Bi("图片", "picture"), "audio": Bi("音频", "sound"), "video": Bi("视频", "film"), "document": Bi("文档、文本", "document, text"),
}  # fmt: skip
_POSITIONS: dict[str, Bi] = {
    "start": Bi("文本起始", "start of the text"),
    "end": Bi("文本末尾", "end of the text"),
    "interface": Bi("交互界面持续提示，文本本身不加", "shown continuously in the interface; the text itself has none"),
}
_DETAILS: dict[str, Bi] = {
    "text_height_ratio": Bi("最小字高/最短边", "smallest letter by the shortest side"), "contrast": Bi("对比度", "contrast"),
    "corner": Bi("位置", "place"), "at": Bi("位置", "place"), "label": Bi("方式", "way"), "seconds": Bi("时长（秒）", "seconds"),
    "shown_seconds": Bi("显示时长（秒）", "shown for, seconds"), "place": Bi("位置", "place"), "wording": Bi("文字", "wording"),
    "whole": Bi("全程", "all through"), "frames": Bi("帧数", "frames"),
}  # fmt: skip
_VALUES: dict[str, Bi] = {
    "top-left": Bi("左上角", "top left"), "top-right": Bi("右上角", "top right"), "bottom-left": Bi("左下角", "bottom left"),
    "bottom-right": Bi("右下角", "bottom right"), "top": Bi("上边", "top"), "bottom": Bi("下边", "bottom"),
    "start": Bi("起始", "start"), "end": Bi("末尾", "end"), "both": Bi("起始和末尾", "start and end"),
    "rhythm": Bi("节奏“短长 短短”", "the rhythm short long, short short"), "speech": Bi("语音", "spoken"),
    "header": Bi("页眉", "header"), "header of printed sheets": Bi("打印页眉", "header of printed sheets"),
    "top of each page": Bi("每页顶部", "top of each page"), "first line": Bi("首行", "first line"),
    "True": Bi("是", "yes"), "False": Bi("否", "no"),
}  # fmt: skip


def pages(told: Told) -> dict[str, str]:
    """Return the pages by their names."""
    blocks = _description(told)
    return {
        "description.md": markdown(blocks),
        "description.html": as_html(blocks, TITLE),
        "agreement.md": markdown(_agreement(told)),
    }


def _description(told: Told) -> list[Block]:
    return [
        Block("title", TITLE),
        *_head(told),
        Block("heading", Bi("显式标识", "Explicit labels")),
        table(
            (Bi("样例", "sample"), Bi("种类", "kind"), Bi("标识（写后实测）", "label, measured after writing")),
            ((f"samples/{item.name}", _KINDS[item.kind].both, _explicit(item)) for item in told.samples),
        ),
        *([] if told.media else [Block("note", NO_MEDIA)]),
        *(Block("picture", _caption(name, measured), ((path,),)) for path, name, measured in told.marks),
        *_texts(told),
        *_interface(told),
        Block("heading", Bi("隐式标识", "Implicit labels")),
        Block("text", Bi(
            "每个文件的元数据中有且只有一个标识，含附录E的七个字段；写入后读回核对，画面、声音和其他内容不变。纯文本没有元数据，标识在旁边的 .aigc.json 中，含文件摘要。",
            "The metadata of each file have one label and no more, with the seven fields of annex E; it is read back after writing, and "
            "pictures, sound and all else stay as they were. Plain text has no metadata: its label is in the .aigc.json beside it, with the file's digest.",
        )),
        table(
            (Bi("样例", "sample"), Bi("格式", "format"), Bi("元数据位置", "place in the metadata"), Bi("核验", "verification")),
            ((f"samples/{item.name}", item.container, _place(item), _verdict(item)) for item in told.samples),
        ),
        Block("text", Bi(
            "读出结果见 metadata/，全部文件的摘要见 digests.txt。" + _tools(told).zh,
            "What reading them says is in metadata/, digests of all files in digests.txt. " + _tools(told).en,
        )),
        Block("heading", Bi("对应条款", "Clauses")),
        table(
            (Bi("条款", "clause"), Bi("要求（转述）", "what it asks for, paraphrased"), Bi("依据", "mark"), Bi("本包中", "in this pack")),
            ((item.clause, f"{item.duty.zh}\n{item.duty.en}", item.mark.both, _parts(item.parts, item.note)) for item in answers(told)),
        ),
        Block("text", Bi(
            "条款为转述，以官方文本为准。协议中关于标识的条款草案见 agreement.md。",
            "Clauses are paraphrased; the official text decides. A draft of the agreement's clause on labels is in agreement.md.",
        )),
    ]  # fmt: skip


def _head(told: Told) -> list[Block]:
    blocks = [
        Block("text", Bi(
            f"提供者：{told.provider or '（未填写）'}；编码：{told.producer}；生成日期：{told.made}；hegui {told.version}。",
            f"Provider: {told.provider or '(not given)'}; code: {told.producer}; made on {told.made} by hegui {told.version}.",
        )),
        Block("text", Bi(
            "样例由程序绘制，不是模型生成；标识的写入、读回、核验与正式文件相同，下列内容均为本次实际结果。",
            "The samples are drawn by a program, not generated by a model; they are labelled, read back and verified as any file is. "
            "All that follows is what came out this time.",
        )),
    ]  # fmt: skip
    if told.is_sample:
        blocks.append(Block("note", Bi(
            "未给出提供者编码：样例中的编码是“样例”编码，不属于任何主体，不得用于申报。正式材料请用 --producer 重新生成。",
            "No provider's code was given: the one in the samples is a sample that belongs to nobody. Do not file it; make the pack "
            "again with --producer.",
        )))  # fmt: skip
    if not told.complies:
        names = "、".join(item.name for item in told.samples if not item.complies)
        blocks.append(Block("note", Bi(f"核验未全部通过：{names}", f"not every sample verifies: {names}")))
    return blocks


def _explicit(item: Done) -> str:
    shown = []
    for key, name in _DETAILS.items():
        value = item.explicit.get(key)
        if value is None or (key == "frames" and value == 1):
            continue
        said = (
            Bi(f"{value:.2%}", f"{value:.2%}")
            if key == "text_height_ratio"
            else _VALUES.get(str(value), Bi(str(value), str(value)))
        )
        shown.append(
            f"{name.zh}：{said.zh} / {name.en}: {said.en}" if said.zh != said.en else f"{name.both}: {said.zh}"
        )
    return "\n".join(shown)


def _caption(name: Bi, measured: dict[str, Any]) -> Bi:
    if not measured:
        return name
    said = f"{measured['text_height_ratio']:.2%}", f"{measured['contrast']:.1f}"
    return Bi(f"{name.zh}：字高 {said[0]}，对比度 {said[1]}", f"{name.en}: height {said[0]}, contrast {said[1]}")


def _texts(told: Told) -> list[Block]:
    rows = ((item.service or "—", _POSITIONS[item.position].both, item.wording) for item in told.texts)
    blocks = [
        Block("heading", Bi("文本回答", "Text answers")),
        table((Bi("服务", "service"), Bi("位置", "place"), Bi("文字", "wording")), rows),
    ]
    blocks += [Block("code", Bi(item.shown, item.shown)) for item in told.texts if item.position != "interface"]
    blocks.append(Block("text", Bi(
        "JSON、代码和工具调用中不加标识文字。", "No label is put inside JSON, code or tool calls.",
    )))  # fmt: skip
    return blocks


def _interface(told: Told) -> list[Block]:
    blocks = [
        Block("heading", Bi("交互界面", "Interface")),
        Block("text", Bi(
            "界面标识组件见 interface/（HTML、CSS、脚本），在页面顶部和内容附近持续显示。",
            "The label of interfaces is in interface/ (HTML, CSS, script): shown continuously at the top of the page and near the content.",
        )),
        Block("picture", Bi("组件示例页截图，不是提供者的产品界面", "the component's example page, not the provider's product"), (("interface/example.png",),)),
    ]  # fmt: skip
    if not told.screenshots:
        blocks.append(Block("note", NO_SCREENSHOT))
    blocks += [Block("picture", Bi("产品界面截图（提供者提供）", "the product, as its provider shows it"), ((name,),)) for name in told.screenshots]  # fmt: skip
    return blocks


def _place(item: Done) -> str:
    return f"{item.place}\n{item.beside}" if item.beside else item.place


def _verdict(item: Done) -> str:
    if item.complies:
        return Bi("合规", "complies").both
    return "\n".join([VERDICT_NAMES[Verdict(item.verdict)].both, *item.deviations])


def _parts(parts: tuple[str, ...], note: Bi | None) -> str:
    lines = [*parts[:3], *([f"…（共 {len(parts)} 个 / {len(parts)} in all）"] if len(parts) > 3 else [])]  # noqa: PLR2004 - enough to find the rest
    return "\n".join([*lines, *([note.both] if note else [])])


def _tools(told: Told) -> Bi:
    there = [f"{name} {version}" for name, version in told.tools.items() if version]
    missing = [name for name, version in told.tools.items() if not version]
    zh = (f"另附第三方程序的读出：{'、'.join(there)}。" if there else "") + (
        f"本机没有 {'、'.join(missing)}，未附其读出。" if missing else ""
    )
    en = (f"Other programs read them too: {', '.join(there)}. " if there else "") + (
        f"Not on this machine, so without their reading: {', '.join(missing)}." if missing else ""
    )
    return Bi(zh, en)


# --- the agreement -------------------------------------------------------------------------------------


def _agreement(told: Told) -> list[Block]:
    kinds = list(dict.fromkeys(item.kind for item in told.samples))
    named = Bi("、".join(_KINDS[kind].zh for kind in kinds), ", ".join(_KINDS[kind].en for kind in kinds))
    text = told.texts[0]
    who = Bi(told.provider or "【提供者名称】", told.provider or "[the provider]")
    months = register().whole("LAB-9", "log_retention")
    clauses = [
        Bi(
            f"{who.zh}依法对人工智能生成合成内容添加标识。显式标识：{named.zh}按本材料所列的位置和样式添加；文本回答（{_POSITIONS[text.position].zh}）：“{text.wording}”。"
            f"隐式标识：文件元数据中写入生成合成属性、提供者编码和内容编号。",
            f"{who.en} labels AI-generated and synthetic content as the law asks. Explicit labels: on {named.en}, in the places and styles "
            f"of this material; in text answers ({_POSITIONS[text.position].en}): “{text.wording}”. Implicit labels: the attribute, the provider's code "
            "and the content's number in the metadata of files.",
        ),
        Bi(
            "您发布生成合成内容时，应当主动声明并使用平台提供的标识功能。任何人不得恶意删除、篡改、伪造、隐匿标识，不得为此提供工具或服务，不得以不正当标识损害他人合法权益。",
            "When you publish generated content, declare it and use the label function offered. Nobody may maliciously remove, alter, forge or "
            "hide labels, offer tools or services for that, or harm others by improper labels.",
        ),
        Bi(
            f"【提供无显式标识内容的，保留本款】您申请不含显式标识的内容的，由您承担标识义务和使用责任；隐式标识保留，提供对象等日志留存不少于{months}个月。",
            f"[Keep this where content without the explicit label is supplied] Where you ask for content without the explicit label, the duty to label "
            f"it and the liability for its use are yours; the implicit label stays, and logs of recipients are kept for at least {months} months.",
        ),
        Bi("请您仔细阅读并理解上述标识要求。", "Please read and understand these labelling requirements."),
    ]
    return [
        Block("title", Bi("用户服务协议：标识条款草案（LAB-8）", "User agreement: draft clause on labels (LAB-8)")),
        Block("note", Bi("草案，供法务审定；【】内由提供者填写或取舍。", "A draft for counsel; the provider fills in or decides what stands in brackets.")),
        *(Block("text", Bi(f"{number}. {item.zh}", item.en)) for number, item in enumerate(clauses, 1)),
    ]  # fmt: skip


# --- for machines --------------------------------------------------------------------------------------


def index(told: Told) -> dict[str, Any]:
    """Return the index of the pack."""
    return {
        "pack": 1, "made": told.made, "version": told.version, "provider": told.provider, "producer": told.producer,
        "producer_is_sample": told.is_sample, "signed": told.signed, "complies": told.complies, "media": told.media,
        "law": register().version, "tools": told.tools,
        "samples": [
            {
                "file": f"samples/{item.name}", "kind": item.kind, "container": item.container, "explicit": item.explicit,
                "verdict": item.verdict, "place": item.place, "beside": item.beside or None, "deviations": list(item.deviations),
                "complies": item.complies, "verified": list(item.lines),
                "metadata": [f"metadata/{item.name}.json", *(f"metadata/{item.name}.{name}.json" for name in item.others)],
            }
            for item in told.samples
        ],
        "texts": [{"service": item.service, "position": item.position, "wording": item.wording} for item in told.texts],
        "pictures": [{"file": path, **measured} for path, _, measured in told.marks],
        "interface": list(told.interface), "screenshots": list(told.screenshots),
        "clauses": [
            {"clause": item.clause, "parts": list(item.parts), "note": item.note._asdict() if item.note else None} for item in answers(told)
        ],
    }  # fmt: skip
