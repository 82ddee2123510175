#!/usr/bin/env python3
"""Verify an export of evidence, offline. 离线核验证据导出。

    python verify.py OUT [--key VKEY] [--earlier CHECKPOINT]

This file stands alone: the standard library and `cryptography`, nothing of hegui. It recomputes
every leaf from its payload (RFC 6962 2.1), checks every inclusion proof (RFC 9162 2.1.3.2), the
consistency of the exported checkpoints (RFC 9162 2.1.4.2), and the Ed25519 signatures of the
checkpoints (C2SP signed-note). `--key` is the verifier key that you got from the operator by
another way; `--earlier` is a checkpoint that you kept. Exit code: 0 valid, 1 not valid, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from base64 import b64decode, b64encode
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


class Invalid(Exception):
    """The evidence does not hold; the message names where."""


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


def open_note(note: str, vkey: str) -> tuple[str, int, bytes]:
    """Return origin, size and root of a checkpoint that the key signed (signed-note, tlog-checkpoint)."""
    try:
        name, identifier, encoded = vkey.strip().split("+", 2)
        public = b64decode(encoded, validate=True)
        if public[:1] != b"\x01" or sha256(name.encode() + b"\n" + public).hexdigest()[:8] != identifier:
            raise ValueError
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


def read_json_lines(path: Path) -> list:
    """Read a file of one JSON object a line; each line must be in canonical form."""
    rows = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line:
            continue
        try:
            row = json.loads(line, object_pairs_hook=no_twice)
            same = canonical(row) == line
        except (ValueError, UnicodeError, Invalid) as error:
            raise Invalid(f"{path.name} line {number}: not readable ({error}) 无法读取") from None
        if not same:
            raise Invalid(f"{path.name} line {number}{_name(row)}: not in canonical form 不是规范形式")
        rows.append(row)
    return rows


def _name(row: object) -> str:
    return f" (record {row.get('index')} {row.get('id')})" if isinstance(row, dict) else ""


def check_record(record: dict, expected: int, size: int, root: bytes) -> None:
    """Check one record: its place, its leaf, its proof, and its content where it was exported."""
    if set(record) - FIELDS:
        raise Invalid(
            f"record {expected}: fields that no proof covers 含有证明未覆盖的字段: {sorted(set(record) - FIELDS)}"
        )
    if record["index"] != expected:
        raise Invalid(f"record {expected} is missing or out of order 记录 {expected} 缺失或次序有误")
    try:
        if root_from_inclusion(leaf_of(record), expected, size, [b64decode(x) for x in record["proof"]]) != root:
            raise Invalid("does not lead to the signed root 与签名的根不符")
        content, digest = record.get("content"), (record.get("payload") or {}).get("content_digest")
        if content is not None:
            salted = content["salt"].encode() + canonical(content["body"])
            if b64encode(sha256(salted).digest()).decode() != digest:
                raise Invalid("content was changed 正文被改动")
    except (Invalid, KeyError, TypeError, ValueError) as error:
        raise Invalid(f"record {expected} ({record.get('id')}): {error}") from None


def verify(folder: Path, key: str | None, earlier: str | None) -> list[str]:
    """Verify a folder; return lines that say what was checked; raise Invalid."""
    vkey = key or (folder / "ledger.vkey").read_text("utf-8").strip()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    notes = [path.read_text("utf-8") for path in sorted((folder / "checkpoints").iterdir())]
    states = [open_note(note, vkey) for note in notes]
    if not states:
        raise Invalid("no checkpoint 没有检查点")
    origin, size, root = states[-1]
    proofs = {(row["old"], row["new"]): row["proof"] for row in read_json_lines(folder / "consistency.jsonl")}
    for (_, old, old_root), (_, new, new_root) in zip(states, states[1:], strict=False):
        proof = [b64decode(x) for x in proofs.get((old, new), [])]
        check_consistency(old, new, old_root, new_root, proof)
    records = read_json_lines(folder / "records.jsonl")
    first, end = manifest["first"], manifest["end"]
    if len(records) != end - first or not 0 <= first <= end <= size:
        missing = next((i for i, row in enumerate(records, first) if row.get("index") != i), first + len(records))
        raise Invalid(f"record {missing} is missing or out of order 记录 {missing} 缺失或次序有误")
    for expected, record in enumerate(records, first):
        check_record(record, expected, size, root)
    said = [
        f"origin 账本: {origin}",
        f"records 记录: {len(records)} (index {first} to {end - 1} of {size} 条中的序号)",
        f"erased 已删: {sum(1 for row in records if row.get('erased'))}",
        f"checkpoints 检查点: {len(states)}, consistent 一致",
        "key 公钥: " + ("pinned by you 由你指定" if key else "came with the export, NOT pinned 随导出而来，未经你核对"),
    ]
    if earlier is not None:
        _, old, old_root = open_note(earlier, vkey)
        if old > size:
            raise Invalid(f"rolled back: you hold {old} entries, the export has {size} 账本被回滚")
        if (old, size) in proofs or old in {0, size}:
            check_consistency(old, size, old_root, root, [b64decode(x) for x in proofs.get((old, size), [])])
        elif first == 0 and end >= old:
            if root_of([leaf_of(row) for row in records[:old]]) != old_root:
                raise Invalid("your earlier checkpoint is not a prefix: history was rewritten 历史被改写")
        else:
            raise Invalid("no proof from your checkpoint; export with --earlier 缺少证明，请用 --earlier 重新导出")
        said.append(f"earlier checkpoint 你保存的检查点: {old} entries, consistent 一致")
    return said


def root_of(leaves: list) -> bytes:
    """RFC 6962 2.1: the root of a list of leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def main(argv: list[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", help="verifier key you trust 你信任的公钥")
    parser.add_argument("--earlier", type=Path, help="checkpoint you kept 你保存的检查点文件")
    options = parser.parse_args(argv)
    try:
        earlier = options.earlier.read_text("utf-8") if options.earlier else None
        said = verify(options.folder, options.key, earlier)
    except Invalid as error:
        print(f"INVALID 无效: {error}")
        return 1
    except (OSError, ValueError, KeyError, TypeError, UnicodeError) as error:
        print(f"INVALID 无效: the export is not whole 导出不完整: {error!r}")
        return 1
    print("VALID 有效", *said, "This does not prove 不能证明:", *(f"  {zh} / {en}" for zh, en in LIMITS), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
