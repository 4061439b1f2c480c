"""Runs of the fault world: scenarios, many seeds over threads, planted defects, and what was found.

A run is a pure function of its seed and scenario (`core.fault_run`); the GIL is released while it
plays, so that threads are enough for all cores. Results come in the order of the seeds, whatever
the number of jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mmbot import core
from mmbot.config.yamlfile import parse_yaml
from mmbot.errors import ConfigError, InvariantError

__all__ = [
    "ChaosOptions",
    "ChaosReport",
    "FaultChoice",
    "Scenario",
    "chaos",
    "repro_line",
    "scenario_from_yaml",
    "scenario_to_yaml",
]

_MS_PER_MIN: Final = 60_000
_MS_PER_HOUR: Final = 3_600_000
#: Seeds that each planted defect gets: in one of them it has to be found.
_CANARY_SEEDS: Final = 3
#: A planted defect shows within this time.
_CANARY_MS: Final = 20_000


class FaultChoice(BaseModel):
    """How often a fault happens, and for how long at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ratio: str
    max_ms: Annotated[int, Field(ge=0, le=60_000)] | None = None


class Scenario(BaseModel):
    """A scenario file: what a seed would otherwise draw.

    `faults` names the faults that are on, as a ratio ``n/m`` or with their longest duration; none
    given: each seed draws its own half of them. `canary` plants a defect.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbols: Annotated[int, Field(ge=1, le=4)] | None = None
    minutes: Annotated[float, Field(gt=0, le=1440)] | None = None
    faults: Mapping[str, str | int | FaultChoice] | None = None
    canary: str | None = None

    def choices(self) -> dict[str, tuple[str, int | None]] | None:
        """Ratio and longest duration by fault, as the core takes them."""
        if self.faults is None:
            return None
        return {
            name: (choice.ratio, choice.max_ms)
            if isinstance(choice, FaultChoice)
            else (str(choice), None)
            for name, choice in self.faults.items()
        }


def scenario_from_yaml(data: bytes, name: str) -> Scenario:
    """The scenario of a file's bytes.

    Raises:
        ConfigError: ``E_CFG_PARSE``, ``E_CFG_UNKNOWN_KEY`` or ``E_CFG_TYPE`` with file and line.
    """
    tree, places = parse_yaml(data, name)
    try:
        scenario = Scenario.model_validate(tree)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        path = tuple(str(part) for part in first["loc"])
        at = next((places[path[:n]] for n in range(len(path), 0, -1) if path[:n] in places), name)
        code = "E_CFG_UNKNOWN_KEY" if first["type"] == "extra_forbidden" else "E_CFG_TYPE"
        key = ".".join(path[:2])
        raise ConfigError(code, f"{at} {key}", first["msg"].lower()) from exc
    known = {row["name"] for row in core.fault_catalog()["faults"]}
    for fault in scenario.faults or {}:
        if fault not in known:
            where = places.get(("faults", fault), name)
            raise ConfigError("E_CFG_UNKNOWN_KEY", f"{where} {fault}", "is not a fault")
    return scenario


def scenario_to_yaml(run: Mapping[str, Any]) -> str:
    """The scenario that repeats a run with the faults that matter."""
    faults = run["minimised"] if run["minimised"] is not None else run["faults"]
    lines = [f"symbols: {run['symbols']}", f"minutes: {run['safety_ms'] / _MS_PER_MIN:g}"]
    if run["canary"] is not None:
        lines.append(f"canary: {run['canary']}")
    lines.append("faults:" if faults else "faults: {}")
    for name, (ratio, max_ms) in faults.items():
        lines.append(f'  {name}: {{ratio: "{ratio}", max_ms: {max_ms}}}')
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosOptions:
    """What to run; `minutes` is the length of the phase with faults, in market time."""

    first_seed: int = 1
    seeds: int = 100
    jobs: int = 1
    minutes: float = 1.0
    scenario: Scenario = field(default_factory=Scenario)
    scenario_path: Path | None = None

    @property
    def safety_ms(self) -> int:
        """Length of the phase with faults, ms; that of the scenario comes first."""
        minutes = self.minutes if self.scenario.minutes is None else self.scenario.minutes
        return round(minutes * _MS_PER_MIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosReport:
    """What the runs found, in the order of their seeds."""

    options: ChaosOptions
    runs: Sequence[Mapping[str, Any]]
    #: Defect planted and the first seed that found it.
    canaries: Mapping[str, int]

    @property
    def hours(self) -> float:
        """Simulated time of all symbols, hours."""
        symbol_ms = sum(int(run["venue_ms"]) * int(run["symbols"]) for run in self.runs)
        return symbol_ms / _MS_PER_HOUR

    @property
    def broken(self) -> Sequence[Mapping[str, Any]]:
        """Runs with violations."""
        return [run for run in self.runs if run["violations"]]

    def total(self, key: str) -> int:
        """Sum of a count over all runs."""
        return sum(int(run[key]) for run in self.runs)

    def counts(self, key: str) -> dict[str, int]:
        """Sums of counts by name (`happened`, `judged`, `broken`) over all runs."""
        names = self.runs[0][key] if self.runs else {}
        return {name: sum(run[key][name] for run in self.runs) for name in names}

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "canaries": dict(self.canaries),
            "events": self.total("events"),
            "fills": self.total("fills"),
            "first_seed": self.options.first_seed,
            "happened": self.counts("happened"),
            "judged": self.counts("judged"),
            "requests": self.total("requests"),
            "seeds": len(self.runs),
            "simulated_hours": self.hours,
            "state_hashes": {str(run["seed"]): run["state_hash"] for run in self.runs},
            "violations": [self._violation(run) for run in self.broken],
        }

    def _violation(self, run: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "found": run["violations"],
            "minimised": run["minimised"],
            "repro": repro_line(run, self.options),
            "seed": run["seed"],
        }


def repro_line(run: Mapping[str, Any], options: ChaosOptions) -> str:
    """The command that repeats a run."""
    parts = ["mmbot chaos --seeds 1", f"--first-seed {run['seed']}"]
    if options.scenario_path is not None:
        parts.append(f"--scenario {options.scenario_path}")
    if options.scenario.minutes is None:
        parts.append(f"--minutes {options.minutes!r}")
    return " ".join(parts)


def chaos(options: ChaosOptions, on_done: Callable[[Mapping[str, Any]], None]) -> ChaosReport:
    """Plays all seeds, then those with planted defects; `on_done` takes each run when it ends.

    Raises:
        InvariantError: ``E_SIM_CANARY``: a planted defect was not found.
        CoreError: a scenario that cannot be run.
    """
    scenario, choices = options.scenario, options.scenario.choices()

    def play(seed: int) -> Mapping[str, Any]:
        run = core.fault_run(
            seed,
            safety_ms=options.safety_ms,
            symbols=scenario.symbols,
            faults=choices,
            canary=scenario.canary,
            shrink=True,
        )
        on_done(run)
        return run

    last = options.first_seed + options.seeds
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        runs = list(pool.map(play, range(options.first_seed, last)))
        canaries = _find_canaries(pool, options.first_seed)
    report = ChaosReport(options=options, runs=runs, canaries=canaries)
    if scenario.canary is not None and not report.broken:
        raise _not_found(scenario.canary, options.first_seed, last - 1)
    return report


def _find_canaries(pool: ThreadPoolExecutor, first_seed: int) -> dict[str, int]:
    """The first seed that finds each planted defect."""

    def find(name: str) -> int | None:
        for seed in range(first_seed, first_seed + _CANARY_SEEDS):
            if core.fault_run(seed, safety_ms=_CANARY_MS, canary=name)["violations"]:
                return seed
        return None

    names = core.fault_catalog()["canaries"]
    found = dict(zip(names, pool.map(find, names), strict=True))
    for name, seed in found.items():
        if seed is None:
            raise _not_found(name, first_seed, first_seed + _CANARY_SEEDS - 1)
    return {name: seed for name, seed in found.items() if seed is not None}


def _not_found(name: str, first: int, last: int) -> InvariantError:
    return InvariantError(
        "E_SIM_CANARY", name, f"was planted in seeds {first} to {last} and not found"
    )
