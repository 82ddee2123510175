"""What every exchange of a worker shares, and what is said where one can not be recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from hegui.evidence.keyring import Keyring
from hegui.general.content.guards import Guard
from hegui.general.content.inforce import InForce
from hegui.kit.errors import HeguiError
from hegui.service.gateway.media.desk import Desk
from hegui.service.gateway.protocol import ApiError
from hegui.service.gateway.recorder import Recorder
from hegui.service.gateway.releasing import Leaves
from hegui.service.gateway.upstream import Upstream


@dataclass(frozen=True)
class Engine:
    """What every exchange of a worker shares."""

    inforce: InForce
    upstream: Upstream
    recorder: Recorder
    keyring: Keyring
    guard: Guard | None = None
    desk: Desk | None = None
    """What files are labelled with."""
    leaves: Leaves = field(default_factory=Leaves)


def not_recorded(error: HeguiError) -> ApiError:
    """Return the error for an exchange that could not be recorded and is therefore not served."""
    return ApiError(
        503,
        "not_recorded",
        f"服务暂停：记录无法保存，请稍后重试 / service is paused: records can not be kept ({error.title.en}); try again later",
    )
