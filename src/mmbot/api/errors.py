"""What a handler raises for a request that is refused."""

from __future__ import annotations

from mmbot.config.admin import Refusal
from mmbot.errors import InputError

__all__ = ["AdminError"]


class AdminError(InputError):
    """A refused request.

    Args:
        reason: short string of the body, such as ``invalid_level``.
        status: HTTP status.
        detail: what the body says besides, None without.
    """

    def __init__(self, reason: str, status: int = 400, *, detail: str | int | None = None) -> None:
        super().__init__("E_ADMIN_REQUEST", f"status={status}", "is refused", detail=reason)
        self.reason = reason
        self.status = status
        self.answer_detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling."""
        return _rebuild, (self.reason, self.status, self.answer_detail)

    def body(self) -> dict[str, str | int]:
        """The body of the answer; equal errors have equal bodies."""
        body: dict[str, str | int] = {"error": self.reason}
        return body if self.answer_detail is None else {**body, "detail": self.answer_detail}

    @classmethod
    def of(cls, refusal: Refusal) -> AdminError:
        """The same refusal as the configuration's functions return it."""
        return cls(refusal.error, refusal.status, detail=refusal.detail)


def _rebuild(reason: str, status: int, detail: str | int | None) -> AdminError:
    return AdminError(reason, status, detail=detail)
