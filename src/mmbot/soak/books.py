"""The files of one run: written in one order, read back after a restart."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from mmbot.errors import StoreError
from mmbot.soak.iteration import report_entry
from mmbot.soak.overrides import file_hash, overrides_bytes, read_overrides
from mmbot.soak.parameters import DEFAULTS, Values
from mmbot.soak.paths import SoakPaths, move_corrupt, read_array, read_object, read_summaries
from mmbot.soak.stages import Found, Recovery, recover
from mmbot.soak.state import TuningState, from_document, to_document
from mmbot.store.artifacts import remove_stale_temp_files, write_bytes, write_json, write_text

__all__ = ["RunBooks"]

_COPIES: Final = ("EDGE_REPORT.json", "EDGE_SENTINEL.json")


@dataclass(slots=True)
class RunBooks:
    """Reads and writes the files of a run; decides nothing."""

    paths: SoakPaths
    _written: dict[int, dict[str, Any]] | None = None

    def begin(self, run: Mapping[str, Any], requested: Values, state: TuningState) -> TuningState:
        """Put an earlier run aside and write the first files of a new one."""
        self._move_previous()
        self._written = {}
        state = replace(state, state_hash=self.write_overrides(requested))
        self.write_state(state)
        write_json(self.paths.run, run)
        return state

    def resume(self, run: Mapping[str, Any]) -> Recovery:
        """Find out where a run stands and write what its recovery says.

        Raises:
            StoreError: ``E_STORE_DISK``.
        """
        remove_stale_temp_files(self.paths.latest)
        state = self._state()
        overrides, digest = read_overrides(self.paths)
        if overrides is None and digest is not None:
            move_corrupt(self.paths.overrides)
            digest = None
        summaries, _ = read_summaries(self.paths.latest)
        start = dict(run.get("start", {}).get("values") or DEFAULTS)
        plan = recover(
            Found(
                run_id=str(run["run_id"]),
                state=state,
                overrides=overrides,
                overrides_hash=digest,
                summaries=summaries,
                reported=frozenset(e["iteration"] for e in self._entries()),
                start_values=start,
            )
        )
        return self._write_recovery(plan, run, summaries)

    def write_state(self, state: TuningState) -> None:
        """Write ``TUNING_STATE.json``."""
        write_json(self.paths.state, to_document(state))

    def write_overrides(self, requested: Values) -> str:
        """Write the overrides; return the hash of the file."""
        data = overrides_bytes(requested)
        write_bytes(self.paths.overrides, data)
        digest = file_hash(data)
        assert digest is not None
        return digest

    def restore_overrides(self, data: bytes) -> None:
        """Put back the bytes that were there before a change that did not come into force."""
        write_bytes(self.paths.overrides, data)

    def write_summary(self, outcome: Mapping[str, Any]) -> None:
        """Write ``ITER_SUMMARY_<N>.json``."""
        write_json(self.paths.summary(outcome["iteration"]), outcome)
        if self._written is not None:
            self._written[outcome["iteration"]] = dict(outcome)

    def report(self, outcome: Mapping[str, Any]) -> None:
        """Give the iteration its one entry in ``TUNING_REPORT.json``."""
        entry = report_entry(outcome)
        kept = [e for e in self._entries() if e["iteration"] != entry["iteration"]]
        entries = sorted([*kept, entry], key=lambda e: int(e["iteration"]))
        write_json(self.paths.tuning_report, entries)

    def write_measurement(
        self, report: Mapping[str, Any] | None, sentinel: Mapping[str, Any] | None
    ) -> None:
        """Write the newest edge report and sentinel; a document that is not there stays away."""
        for name, document in zip(_COPIES, (report, sentinel), strict=True):
            if document is not None:
                write_json(self.paths.report(name), document, nonfinite="null")

    def mirror(self, gate: Mapping[str, Any], measured: Sequence[Mapping[str, Any] | None]) -> None:
        """Write the newest iteration's copies beside the run."""
        directory = self.paths.latest / "artifacts"
        for name, document in zip(_COPIES, measured, strict=True):
            if document is not None:
                write_json(directory / name, document, nonfinite="null")
        write_json(directory / "KPI_GATE.json", gate)

    def write_applied(self, document: Mapping[str, Any]) -> None:
        """Write ``applied_profile.json``."""
        write_json(self.paths.soak / "applied_profile.json", document)

    def write_text(self, path: Path, text: str) -> None:
        """Write a report for people."""
        write_text(path, text)

    def summaries(self) -> list[dict[str, Any]]:
        """All records of the run, ascending; read from disk once."""
        if self._written is None:
            self._written, _ = read_summaries(self.paths.latest)
        return [self._written[i] for i in sorted(self._written)]

    def run_document(self) -> dict[str, Any] | None:
        """``RUN.json`` of the run in `latest`, if there is one."""
        document = read_object(self.paths.run)
        return document if document is not None and "run_id" in document else None

    def _state(self) -> TuningState | None:
        document = read_object(self.paths.state)
        try:
            return None if document is None else from_document(document)
        except ValueError:
            return None

    def _entries(self) -> list[dict[str, Any]]:
        found = read_array(self.paths.tuning_report)
        if found is None:
            move_corrupt(self.paths.tuning_report)
        return [e for e in found or [] if isinstance(e, dict) and "iteration" in e]

    def _write_recovery(
        self,
        plan: Recovery,
        run: Mapping[str, Any],
        summaries: Mapping[int, Mapping[str, Any]],
    ) -> Recovery:
        if {"state_rebuilt", "state_defaults"} & set(plan.actions):
            move_corrupt(self.paths.state)
        state = plan.state
        if plan.overrides is not None:
            state = replace(state, state_hash=self.write_overrides(plan.overrides))
        self.write_state(state)
        for outcome in plan.summaries.values():
            self.write_summary(outcome)
        if plan.rewrite_report:
            for outcome in ({**summaries, **plan.summaries}).values():
                self.report(outcome)
        if plan.actions or plan.gaps:
            entry = {
                "actions": list(plan.actions),
                "gaps": list(plan.gaps),
                "iteration": state.last_iter,
            }
            recovery = [*run.get("recovery", []), entry]
            write_json(self.paths.run, {**run, "recovery": recovery})
        return replace(plan, state=state)

    def _move_previous(self) -> None:
        """Move an earlier run to ``snapshots/<run_id>``; the held lock stays."""
        latest = self.paths.latest
        entries = [p for p in sorted(latest.glob("*")) if p != self.paths.lock]
        if not entries:
            return
        run = self.run_document()
        name = str(run["run_id"]) if run is not None else "unknown"
        target = self.paths.soak / "snapshots" / name
        number = 1
        while target.exists() or target.with_name(f"{target.name}.tar.gz").exists():
            number += 1
            target = self.paths.soak / "snapshots" / f"{name}_{number}"
        try:
            target.mkdir(parents=True)
            for path in entries:
                shutil.move(str(path), str(target / path.name))
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            raise StoreError("E_STORE_DISK", f"file={target}", f"cannot move: {reason}") from exc
