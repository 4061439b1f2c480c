"""What a check of the store found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not add up: by which check, of what, and how."""

    check: str
    where: str
    what: str

    def __str__(self) -> str:
        """One line."""
        return f"VERIFY {self.check} {self.where}: {self.what}"
