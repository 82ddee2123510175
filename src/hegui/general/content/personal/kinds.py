"""The kinds of personal information that are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hegui.kit.text import Bi


class Kind(StrEnum):
    """What kind of identifier was found."""

    RESIDENT_ID = "resident_id"  # 居民身份证号
    HK_ID = "hk_id"  # 香港身份证号
    MACAO_ID = "macao_id"  # 澳门身份证号
    TAIWAN_ID = "taiwan_id"  # 台湾身份证号
    MOBILE = "mobile"  # 手机号
    BANK_CARD = "bank_card"  # 银行卡号
    USCC = "uscc"  # 统一社会信用代码
    EMAIL = "email"  # 电子邮箱
    LANDLINE = "landline"  # 固定电话
    HOTLINE = "hotline"  # 服务热线
    PASSPORT = "passport"  # 护照号
    PERMIT = "permit"  # 通行证号
    MILITARY_ID = "military_id"  # 军人证件号
    SOCIAL_SECURITY = "social_security"  # 社会保障号
    PLATE = "plate"  # 车牌号
    QQ = "qq"  # QQ 号
    WECHAT = "wechat"  # 微信号
    IP = "ip"  # IP 地址
    ADDRESS = "address"  # 住址


KIND_NAMES: dict[Kind, Bi] = {
    Kind.RESIDENT_ID: Bi("居民身份证号", "resident identity number"),
    Kind.HK_ID: Bi("香港身份证号", "Hong Kong identity card number"),
    Kind.MACAO_ID: Bi("澳门身份证号", "Macao identity card number"),
    Kind.TAIWAN_ID: Bi("台湾身份证号", "Taiwan identity number"),
    Kind.MOBILE: Bi("手机号", "mobile number"),
    Kind.BANK_CARD: Bi("银行卡号", "bank card number"),
    Kind.USCC: Bi("统一社会信用代码", "unified social credit code"),
    Kind.EMAIL: Bi("电子邮箱", "e-mail address"),
    Kind.LANDLINE: Bi("固定电话", "landline number"),
    Kind.HOTLINE: Bi("服务热线", "service hotline"),
    Kind.PASSPORT: Bi("护照号", "passport number"),
    Kind.PERMIT: Bi("通行证号", "travel permit number"),
    Kind.MILITARY_ID: Bi("军人证件号", "military identity number"),
    Kind.SOCIAL_SECURITY: Bi("社会保障号", "social-security number"),
    Kind.PLATE: Bi("车牌号", "licence plate"),
    Kind.QQ: Bi("QQ 号", "QQ number"),
    Kind.WECHAT: Bi("微信号", "WeChat handle"),
    Kind.IP: Bi("IP 地址", "IP address"),
    Kind.ADDRESS: Bi("住址", "postal address"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """One identifier in folded text; `valid` says that its check digit, or its form where it has none, fits."""

    kind: Kind
    start: int
    end: int
    valid: bool
