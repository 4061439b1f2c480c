r"""Every exception that leaves this library, classed by what the operator can do about it.

::

    MmbotError
    |-- InputError          what was given is wrong: correct it and run again
    |   |-- ConfigError     a key, an option or a variable (E_CFG_*, E_PROFILE_*)
    |   `-- MarketDataError a file, a row or a frame of market data (E_MD_*, E_REC_*, E_BT_*)
    |-- StoreError          the machine refused: free the disk, the path or the port (E_STORE_*)
    |-- VenueError          the other side did wrong: wait, or check the account (E_VENUE_*)
    |-- RiskError           a limit stopped trading: find out why before resuming (E_RISK_*)
    `-- InvariantError      we did wrong: keep the journal and report it (E_EXEC_FATAL)

An error is one ASCII line, ``CODE[:detail]: key message``; `str(error)` gives it, without line
breaks and without secrets. Codes are registered in `mmbot.error_codes`.
"""

from __future__ import annotations

from mmbot.redact import redact

__all__ = [
    "ConfigError",
    "InputError",
    "InvariantError",
    "MarketDataError",
    "MmbotError",
    "RiskError",
    "StoreError",
    "VenueError",
    "ascii_line",
]


class MmbotError(Exception):
    """Base of all errors of this library.

    Args:
        code: registered code, ``E_<FAMILY>_<NAME>``.
        key: what is wrong: a configuration key, ``file=... row=...``, a symbol. May be empty.
        message: what is wrong with it, in lower case, without a full stop.
        detail: optional qualifier shown behind the code (``E_BT_LOADER:bad_ts``).
    """

    def __init__(self, code: str, key: str, message: str, *, detail: str | None = None) -> None:
        super().__init__(code, key, message, detail)
        self.code = code
        self.key = key
        self.message = message
        self.detail = detail

    def __str__(self) -> str:
        """Render the one line that the command line prints."""
        head = self.code if self.detail is None else f"{self.code}:{self.detail}"
        return ascii_line(f"{head}: {self.key} {self.message}")

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling, so that errors of worker processes arrive whole."""
        return _rebuild, (type(self), self.code, self.key, self.message, self.detail)


class InputError(MmbotError):
    """What was given is wrong: correct it and run again."""


class ConfigError(InputError):
    """A configuration key, a command line option or an environment variable is wrong."""


class MarketDataError(InputError):
    """A file, row or frame of market data is unusable; the key names file and row."""


class StoreError(MmbotError):
    """The machine refused to read or write, or an artifact has no storable form."""


class VenueError(MmbotError):
    """The venue or the connection to it did wrong."""


class RiskError(MmbotError):
    """A limit or a guard stopped trading."""


class InvariantError(MmbotError):
    """We did wrong: a state that must not exist was reached."""


def ascii_line(text: str) -> str:
    """Return `text` as one line of printable ASCII: white space collapsed, secrets masked."""
    line = " ".join(redact(text).split())
    escaped = line.encode("ascii", "backslashreplace").decode("ascii")
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in escaped)


def _rebuild(
    kind: type[MmbotError], code: str, key: str, message: str, detail: str | None
) -> MmbotError:
    return kind(code, key, message, detail=detail)
