"""Going back to an earlier version from outside of the session that runs.

The operator's process compares two versions and puts runtime values down where the session finds
them at its next poll; the session takes or refuses them and writes its answer to the same place.
The sources stay as they are, so what only a restart can change is named and left alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from mmbot.clock import artifact_utc
from mmbot.config.schema import all_keys
from mmbot.config.versions import OPERATOR, ConfigVersion, RuntimeValues, VersionStore
from mmbot.errors import ConfigError
from mmbot.store.artifacts import write_bytes

__all__ = ["Rollback", "Submission", "choose_versions", "plan_rollback"]

Pairs = Mapping[str, tuple[object, object]]


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback would change (`changes`), what it cannot (`fixed`), and how it is asked for.

    `values` are all runtime values that the session would have then; `parameters` what the next
    session would start from.
    """

    newest: int
    target: int
    changes: Pairs
    fixed: Pairs
    values: Mapping[str, object]
    parameters: Mapping[str, float]


def choose_versions(store: VersionStore, number: int | None) -> tuple[ConfigVersion, ConfigVersion]:
    """The newest version, and the one to return to: `number`, or the one before the newest.

    Raises:
        ConfigError: ``E_CFG_MISSING`` when there is no such version.
    """
    numbers = store.numbers()
    if not numbers:
        raise ConfigError("E_CFG_MISSING", str(store.directory), "holds no version")
    if number is None and len(numbers) < 2:
        raise ConfigError("E_CFG_MISSING", f"version={numbers[0]}", "has no version before it")
    target = numbers[-2] if number is None else number
    return store.read(numbers[-1]), store.read(target)


def plan_rollback(newest: ConfigVersion, target: ConfigVersion) -> Rollback:
    """Compare two versions; keys that this program does not know any more are left out."""
    differing = {
        key: (newest.values[key], target.values[key])
        for key in all_keys()
        if key in newest.values
        and key in target.values
        and newest.values[key] != target.values[key]
    }
    free = {key for key, info in all_keys().items() if info.hot} | set(newest.runtime)
    changes = {key: pair for key, pair in differing.items() if key in free}
    wanted = [key for key in all_keys() if key in changes or key in newest.runtime]
    return Rollback(
        newest=newest.version,
        target=target.version,
        changes=changes,
        fixed={key: pair for key, pair in differing.items() if key not in free},
        values={key: target.values.get(key, newest.values[key]) for key in wanted},
        parameters=target.parameters,
    )


class Submission:
    """Runtime values put down for a running session, until it answers or they are withdrawn.

    Raises:
        StoreError: ``E_STORE_DISK``.
    """

    def __init__(self, store: VersionStore, rollback: Rollback) -> None:
        self._store = store
        # Whatever lies there, damaged or not, is put back if nobody answers.
        self._earlier = store.raw_values()
        self._put = store.write_values(
            RuntimeValues(
                version=rollback.newest,
                values=dict(rollback.values),
                reason=f"rollback to {rollback.target}",
                utc=artifact_utc(),
                writer=OPERATOR,
            )
        )

    def answer(self) -> RuntimeValues | None:
        """What a session has said, None as long as none has."""
        if self._store.raw_values() == self._put:
            return None
        return self._store.read_values()[1]

    def withdraw(self) -> RuntimeValues | None:
        """Take the values back; if a session has answered in the meantime, return its answer."""
        answer = self.answer()
        if answer is not None:
            return answer
        if self._earlier is None:
            with contextlib.suppress(OSError):
                self._store.values_path.unlink()
        else:
            write_bytes(self._store.values_path, self._earlier)
        return None
