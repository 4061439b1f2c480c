"""What scripted faults close at the moment: the state that requests are checked against."""

from __future__ import annotations

from dataclasses import dataclass

from mmbot.venues.simulated.codes import SERVER_ERROR, Refusal
from mmbot.venues.simulated.limits import Exceeded, Quota

__all__ = ["Gate"]


@dataclass(slots=True)
class Gate:
    """Open unless a fault says otherwise; set in each step.

    Attributes:
        is_forbidden: every address gets 403.
        is_in_maintenance: nothing but the time is answered.
        is_rate_limited: every signed request gets 10006.
        reject_code: what new orders are answered with; None lets them in.
    """

    is_forbidden: bool = False
    is_in_maintenance: bool = False
    is_rate_limited: bool = False
    reject_code: int | None = None

    def check_signed(self, path: str, now_ms: int) -> None:
        """Refuse a signed request that may not pass now.

        Raises:
            Refusal: 10016, the scripted code, or (as Exceeded) 10006.
        """
        if self.is_in_maintenance:
            raise Refusal(SERVER_ERROR)
        if self.is_rate_limited:
            raise Exceeded(Quota(limit=10, left=0, reset_ms=now_ms + 1000))
        if self.reject_code is not None and path.startswith("/v5/order/create"):
            raise Refusal(self.reject_code, "scripted rejection")
