"""Attribution models as plain arithmetic: how one outcome is shared among messages (INS-2)."""

from __future__ import annotations

from decimal import Decimal

from services.insights.contracts import Model

END_SHARE = Decimal("0.4")
"""The position model's share of the first and of the last message."""


def credits(touches: int, model: Model) -> list[Decimal]:
    """The share of each of `touches` messages, oldest first; they sum to one."""
    if touches <= 0:
        return []
    shares = [Decimal(0)] * touches
    match model:
        case "first":
            shares[0] = Decimal(1)
        case "last":
            shares[-1] = Decimal(1)
        case "linear":
            shares = [Decimal(1) / touches] * touches
        case "position" if touches <= 2:
            shares = [Decimal(1) / touches] * touches
        case "position":
            between = (1 - 2 * END_SHARE) / (touches - 2)
            shares = [END_SHARE, *[between] * (touches - 2), END_SHARE]
    return shares
