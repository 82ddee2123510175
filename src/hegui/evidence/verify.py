#!/usr/bin/env python3
"""Verify an export of evidence, offline. 离线核验证据导出。

    python verify.py OUT [--key VKEY] [--earlier CHECKPOINT]

This file stands alone: the standard library and `cryptography`, nothing of hegui. It recomputes
every leaf from its payload (RFC 6962 2.1), checks every inclusion proof (RFC 9162 2.1.3.2), the
consistency of the exported checkpoints (RFC 9162 2.1.4.2), and the Ed25519 signatures of the
checkpoints (C2SP signed-note). It reads one record at a time, so memory does not grow with their
number. `--key` is the verifier key that you got from the operator by
another way; `--earlier` is a checkpoint that you kept. Exit code: 0 valid, 1 not valid, 2 usage.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LIMITS = [
    ("不能证明从未记录的事没有发生", "that nothing happened which was never recorded"),
    (
        "不能证明载荷所述属实，只证明封存后未改",
        "that a payload is true; only that it was not changed after it was sealed",
    ),
    ("不能证明导出范围以外的记录", "anything about records outside the exported range"),
    (
        "已按期删除的记录只证明其存在过，不能证明删除正当",
        "what erased records said, or that erasing them was right; only that they existed",
    ),
    ("时间由运营者的时钟给出", "the times: they are the operator's clock"),
]


FIELDS = {"index", "id", "kind", "commitment", "proof", "salt", "payload", "content", "erased"}
FORMAT = "hegui-evidence-1"
LONGEST_LINE = 256 * 1024 * 1024
LONGEST_FILE = 1024 * 1024
NOT_WHOLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Invalid(Exception):
    """The evidence does not hold; the message names where."""


class Usage(Exception):
    """The program was called wrongly; nothing is said of the evidence."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 2.1: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def leaf_of(record: dict) -> bytes:
    """Recompute the leaf hash of a record from its payload, or of an erased one from its commitment."""
    if "erased" in record:
        if record["erased"] is not True or {"payload", "salt", "content"} & set(record):
            raise Invalid("called erased but holds data 称已删却含数据")
        commitment = record["commitment"]
    else:
        payload = canonical(record["payload"])
        commitment = b64encode(sha256(record["salt"].encode() + payload).digest()).decode()
        if commitment != record["commitment"]:
            raise Invalid("payload was changed 载荷被改动")
    data = f"hegui-leaf-v1\n{record['id']}\n{record['kind']}\n{commitment}\n".encode()
    return sha256(b"\x00" + data).digest()


def canonical(value: object) -> bytes:
    """Sorted keys, no spaces, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def no_twice(pairs: list) -> dict:
    """Refuse a key that stands twice in one object."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise Invalid("a key stands twice 键重复")
    return dict(pairs)


def hashes(items: list) -> list:
    """Decode a list of SHA-256 hashes in base64."""
    if not isinstance(items, list):
        raise Invalid("proof is not a list 证明不是列表")
    try:
        found = [b64decode(item, validate=True) for item in items]
    except (ValueError, TypeError):
        raise Invalid("proof holds bad base64 证明中的 base64 有误") from None
    if any(len(item) != 32 for item in found):
        raise Invalid("proof holds a hash of the wrong length 证明中的哈希长度有误")
    return found


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: list) -> bytes:
    """RFC 9162 2.1.3.2, steps numbered as there."""
    if not 0 <= index < size:  # 1
        raise Invalid("index is outside the tree 序号越界")
    fn, sn, root = index, size - 1, leaf  # 2, 3
    for sibling in proof:  # 4
        if sn == 0:
            raise Invalid("proof is too long 证明过长")
        if fn & 1 or fn == sn:  # 4b
            root = node_hash(sibling, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:  # 4c
            root = node_hash(root, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:  # 5
        raise Invalid("proof is too short 证明过短")
    return root


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: list) -> None:
    """RFC 9162 2.1.4.2, steps numbered as there."""
    if old == new or old == 0:
        if (old == new and old_root != new_root) or proof:
            raise Invalid("equal sizes with different roots 同一大小而根不同")
        return
    if not proof or not 0 < old < new:  # 1
        raise Invalid("consistency proof is missing 缺少一致性证明")
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)  # 2
    fn, sn = old - 1, new - 1  # 3
    while fn & 1:  # 4
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]  # 5
    for item in path[1:]:  # 6
        if sn == 0:
            raise Invalid("consistency proof is too long 一致性证明过长")
        if fn & 1 or fn == sn:  # 6b
            fr, sr = node_hash(item, fr), node_hash(item, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:  # 6c
            sr = node_hash(sr, item)
        fn, sn = fn >> 1, sn >> 1
    if fr != old_root or sr != new_root or sn != 0:  # 7
        raise Invalid("checkpoints are not consistent: history was rewritten 检查点不一致：历史被改写")


def read_key(vkey: str) -> tuple[str, str, bytes]:
    """Return name, key id, and type with key of a verifier key (signed-note); raise ValueError."""
    name, identifier, encoded = vkey.strip().split("+", 2)
    public = b64decode(encoded, validate=True)
    if public[:1] != b"\x01" or len(public) != 33 or not name:
        raise ValueError
    if sha256(name.encode() + b"\n" + public).hexdigest()[:8] != identifier:
        raise ValueError
    return name, identifier, public


def open_note(note: str, vkey: str, name: str = "checkpoint") -> tuple[str, int, bytes]:
    """Open a checkpoint; what is wrong with it is told under its name."""
    try:
        return read_note(note, vkey)
    except Invalid as error:
        raise Invalid(f"{name}: {error}") from None


def read_note(note: str, vkey: str) -> tuple[str, int, bytes]:
    """Return origin, size and root of a checkpoint that the key signed (signed-note, tlog-checkpoint)."""
    try:
        name, identifier, public = read_key(vkey)
        text, _, signatures = note.rpartition("\n\n")
        origin, size, root = (text + "\n").split("\n")[:3]
        parsed = origin, int(size), b64decode(root, validate=True)
    except ValueError:
        raise Invalid("checkpoint or key is malformed 检查点或公钥格式有误") from None
    for line in signatures.splitlines():
        parts = line.split(" ")
        if len(parts) != 3 or parts[:2] != ["\u2014", name]:
            continue
        try:
            raw = b64decode(parts[2], validate=True)
            if raw[:4].hex() != identifier:
                continue
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], (text + "\n").encode())
        except (ValueError, InvalidSignature):
            raise Invalid("signature does not verify 签名不符") from None
        if origin != name:
            raise Invalid("origin and key name differ 来源名与公钥不符")
        return parsed
    raise Invalid("not signed by this key 不是此密钥的签名")


def read_text(path: Path) -> str:
    """Read a small file of the export."""
    if not path.is_file():
        raise Invalid(f"{path.name}: missing 缺失")
    if path.stat().st_size > LONGEST_FILE:
        raise Invalid(f"{path.name}: longer than {LONGEST_FILE} bytes 文件过长")
    try:
        return path.read_text("utf-8")
    except UnicodeError:
        raise Invalid(f"{path.name}: not UTF-8 text 不是 UTF-8 文本") from None


def read_json_lines(path: Path) -> Iterator[tuple[int, dict]]:
    """Yield line number and object of a file of one JSON object a line, each in canonical form.

    One line at a time: a file of any length is read in the memory of its longest line.
    """
    if not path.is_file():
        raise Invalid(f"{path.name}: missing 缺失")
    with path.open("rb") as file:
        for number in itertools.count(1):
            line = file.readline(LONGEST_LINE + 1)
            if not line:
                return
            if len(line) > LONGEST_LINE:
                raise Invalid(f"{path.name} line {number}: longer than {LONGEST_LINE} bytes 行过长")
            line = line.removesuffix(b"\n")
            try:
                row = json.loads(line, object_pairs_hook=no_twice)
                same = canonical(row) == line
            except (ValueError, RecursionError, Invalid) as error:
                raise Invalid(f"{path.name} line {number}: not readable ({error}) 无法读取") from None
            if not isinstance(row, dict):
                raise Invalid(f"{path.name} line {number}: not an object 不是对象")
            if not same:
                name = f"(record {row.get('index')} {row.get('id')})"
                raise Invalid(f"{path.name} line {number} {name}: not in canonical form 不是规范形式")
            yield number, row


def read_manifest(path: Path, size: int) -> tuple[int, int]:
    """Return first index and end of the exported range; refuse formats that this program does not know."""
    try:
        manifest = json.loads(read_text(path))
        form, wanted = manifest.get("format"), [manifest.get(name) for name in ("first", "end", "size")]
    except (ValueError, RecursionError, AttributeError):
        raise Invalid(f"{path.name}: not a JSON object 不是 JSON 对象") from None
    if form != FORMAT:
        raise Invalid(f"{path.name}: format {form!r} is unknown, this program reads {FORMAT!r} 未知格式版本")
    first, end, told = wanted
    if any(type(number) is not int for number in wanted) or told != size or not 0 <= first <= end <= size:
        raise Invalid(f"{path.name}: range {first} to {end} of {told} is not within the {size} signed entries 范围有误")
    return first, end


def read_proofs(path: Path) -> dict:
    """Return the consistency proofs by their pair of sizes."""
    proofs = {}
    for number, row in read_json_lines(path):
        try:
            proofs[row["old"], row["new"]] = hashes(row["proof"])
        except (KeyError, TypeError, Invalid) as error:
            raise Invalid(f"{path.name} line {number}: not a proof 不是证明 ({error})") from None
    return proofs


def check_pair(proofs: dict, older: tuple, newer: tuple) -> None:
    """Check that one checkpoint is a prefix of another by the exported proof."""
    (_, old, old_root), (_, new, new_root) = older, newer
    try:
        check_consistency(old, new, old_root, new_root, proofs.get((old, new), []))
    except Invalid as error:
        raise Invalid(f"checkpoints of {old} and {new} entries: {error}") from None


def check_record(record: dict, expected: int, size: int, root: bytes) -> bytes:
    """Check one record: its place, its leaf, its proof, and its content where it was exported; return its leaf."""
    if more := sorted(set(record) - FIELDS):
        raise Invalid(f"record {expected}: fields that no proof covers 含有证明未覆盖的字段: {more}")
    if record.get("index") != expected:
        raise Invalid(f"record {expected} is missing or out of order 记录 {expected} 缺失或次序有误")
    try:
        leaf = leaf_of(record)
        if root_from_inclusion(leaf, expected, size, hashes(record["proof"])) != root:
            raise Invalid("does not lead to the signed root 与签名的根不符")
        content = record.get("content")
        if content is not None:
            salted = content["salt"].encode() + canonical(content["body"])
            if b64encode(sha256(salted).digest()).decode() != record["payload"].get("content_digest"):
                raise Invalid("content was changed 正文被改动")
    except KeyError as error:
        raise Invalid(f"record {expected} ({record.get('id')}): has no {error} 缺少字段") from None
    except (Invalid, TypeError, ValueError, AttributeError) as error:
        raise Invalid(f"record {expected} ({record.get('id')}): {error}") from None
    return leaf


def check_earlier(earlier: tuple, newest: tuple, proofs: dict) -> bool:
    """Check a checkpoint that was kept against the export's; return whether only the records can tell."""
    old, size = earlier[1], newest[1]
    if old > size:
        raise Invalid(f"rolled back: you hold {old} entries, the export has {size} 账本被回滚")
    if (old, size) not in proofs and old not in {0, size}:
        return True
    check_pair(proofs, earlier, newest)
    return False


def verify(folder: Path, key: str | None, earlier: str | None) -> list[str]:
    """Verify a folder; return lines that say what was checked; raise Invalid."""
    vkey = key or read_text(folder / "ledger.vkey").strip()
    notes = sorted((folder / "checkpoints").iterdir()) if (folder / "checkpoints").is_dir() else []
    states = [open_note(read_text(path), vkey, f"checkpoints/{path.name}") for path in notes]
    if not states:
        raise Invalid("no checkpoint 没有检查点")
    origin, size, root = states[-1]
    first, end = read_manifest(folder / "manifest.json", size)
    proofs = read_proofs(folder / "consistency.jsonl")
    for older, newer in zip(states, states[1:], strict=False):
        check_pair(proofs, older, newer)
    kept = open_note(earlier, vkey, "--earlier") if earlier is not None else None
    by_records = kept is not None and check_earlier(kept, states[-1], proofs)
    if kept and by_records and (first > 0 or end < kept[1]):
        raise Invalid("no proof from your checkpoint; export with --earlier 缺少证明，请用 --earlier 重新导出")
    expected, erased, prefix = first, 0, b""
    peaks: list = []
    for number, record in read_json_lines(folder / "records.jsonl"):
        if expected == end:
            raise Invalid(f"records.jsonl line {number}: more records than the manifest says 记录多于清单")
        leaf = check_record(record, expected, size, root)
        expected, erased = expected + 1, erased + ("erased" in record)
        if kept and by_records and expected <= kept[1]:
            grow(peaks, leaf)
            prefix = root_of_peaks(peaks) if expected == kept[1] else prefix
    if expected != end:
        raise Invalid(f"record {expected} is missing or out of order 记录 {expected} 缺失或次序有误")
    if kept and by_records and prefix != kept[2]:
        raise Invalid("your earlier checkpoint is not a prefix: history was rewritten 历史被改写")
    said = [
        f"origin 账本: {origin}",
        f"records 记录: {end - first} (index {first} to {end - 1} of {size} 条中的序号)",
        f"erased 已删: {erased}",
        f"checkpoints 检查点: {len(states)}, consistent 一致",
        "key 公钥: " + ("pinned by you 由你指定" if key else "came with the export, NOT pinned 随导出而来，未经你核对"),
    ]
    return [*said, f"earlier checkpoint 你保存的检查点: {kept[1]} entries, consistent 一致"] if kept else said


def grow(peaks: list, leaf: bytes) -> None:
    """Append a leaf to the complete subtrees of a growing tree, largest first, as (leaves, root)."""
    peaks.append((1, leaf))
    while len(peaks) > 1 and peaks[-2][0] == peaks[-1][0]:
        (count, right), (_, left) = peaks.pop(), peaks.pop()
        peaks.append((2 * count, node_hash(left, right)))


def root_of_peaks(peaks: list) -> bytes:
    """RFC 6962 2.1: the root over the complete subtrees of a tree."""
    if not peaks:
        return sha256(b"").digest()
    root = peaks[-1][1]
    for _, left in reversed(peaks[:-1]):
        root = node_hash(left, root)
    return root


def check_usage(folder: Path, key: str | None, earlier: Path | None) -> str | None:
    """Return the text of the kept checkpoint; raise Usage for what was given wrongly, whatever the evidence."""
    if not folder.is_dir():
        raise Usage(f"{folder} is not a folder 不是目录")
    try:
        if key is not None:
            read_key(key)
        return read_text(earlier) if earlier else None
    except ValueError:
        raise Usage("--key is not a verifier key (name+id+base64) 不是验证公钥") from None
    except Invalid as error:
        raise Usage(f"--earlier {error}") from None


def main(argv: list[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", help="verifier key you trust 你信任的公钥")
    parser.add_argument("--earlier", type=Path, help="checkpoint you kept 你保存的检查点文件")
    options = parser.parse_args(argv)
    try:
        earlier = check_usage(options.folder, options.key, options.earlier)
        said = verify(options.folder, options.key, earlier)
    except Usage as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 2
    except Invalid as error:
        print(f"INVALID 无效: {error}")
        return 1
    except NOT_WHOLE as error:
        print(f"INVALID 无效: the export is not whole 导出不完整: {error!r}")
        return 1
    print("VALID 有效", *said, "This does not prove 不能证明:", *(f"  {zh} / {en}" for zh, en in LIMITS), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
