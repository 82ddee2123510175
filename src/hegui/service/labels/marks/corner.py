"""The places of a mark on a picture."""

from __future__ import annotations

from enum import StrEnum


class Corner(StrEnum):
    """Where on the picture the mark stands: an edge or a corner."""

    TOP_LEFT = "top-left"  # 左上角
    TOP = "top"  # 上边
    TOP_RIGHT = "top-right"  # 右上角
    LEFT = "left"  # 左边
    RIGHT = "right"  # 右边
    BOTTOM_LEFT = "bottom-left"  # 左下角
    BOTTOM = "bottom"  # 下边
    BOTTOM_RIGHT = "bottom-right"  # 右下角
