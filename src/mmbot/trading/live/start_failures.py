"""Sessions that ended before they traded: they have no state file, but a counter and an audit line.

A supervisor that starts a session with a wrong key again and again leaves nothing else than this:
``START_FAILURES.json`` among the artifacts, which `mmbot status` shows until a session begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from mmbot.clock import wall_ns
from mmbot.errors import MmbotError, StoreError
from mmbot.store.artifacts import write_json
from mmbot.store.audit_log import AuditLog
from mmbot.store.runtime import artifact_path
from mmbot.trading.live.fault_book import fault_record
from mmbot.trading.live.fault_kinds import Fault, FaultKind

__all__ = ["StartFailures", "note_start_failure", "read_start_failures"]

# Codes are registered, their details are the venue's.
_CODES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class StartFailures:
    """Starts that failed so far by code, and the newest of them.

    Attributes:
        counts: by ``CODE`` or ``CODE:detail``.
        newest_ns: wall time of the newest, 0 before the first.
        newest: its error.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    newest_ns: int = 0
    newest: str = ""


def note_start_failure(error: MmbotError, say: Callable[[str], None]) -> StartFailures:
    """Count a start that failed, and write its audit line; a disk that refuses is told to `say`."""
    code = error.code if error.detail is None else f"{error.code}:{error.detail}"
    before = read_start_failures()
    counts = dict(before.counts)
    if code in counts or len(counts) < _CODES_MAX:
        counts[code] = counts.get(code, 0) + 1
    found = replace(before, counts=counts, newest_ns=wall_ns(), newest=str(error))
    fault = Fault(FaultKind.START_FAILED, code)
    line = fault_record(
        fault, found.newest_ns, event="begin", count=1, total=counts.get(code, 0), text=str(error)
    )
    with AuditLog(artifact_path("audit.jsonl"), say) as audit:
        audit.put(line)
    try:
        write_json(_path(), msgspec.to_builtins(found))
    except StoreError as exc:
        say(str(exc))
    return found


def read_start_failures() -> StartFailures:
    """What is known; a file that is none counts for nothing."""
    try:
        return msgspec.json.decode(_path().read_bytes(), type=StartFailures)
    except (OSError, msgspec.MsgspecError):
        return StartFailures()


def _path() -> Path:
    return artifact_path("START_FAILURES.json")
