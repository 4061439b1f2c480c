"""The seam: every export has a face and a stub that fits, and classes are frozen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mmbot import _core as extension
from mmbot import core

EXPORTS_MIN = 30


def exports() -> list[str]:
    names = [name for name in dir(extension) if not name.startswith("_")]
    assert len(names) >= EXPORTS_MIN, (
        "the extension exports less than it did: the scan sees nothing"
    )
    return names


def test_every_export_has_a_face() -> None:
    assert sorted(core.__all__) == sorted(exports())
    for name in core.__all__:
        assert getattr(core, name) is getattr(extension, name)


# The stub of the extension is cut into parts; a part stands for the extension while it is checked.
STUBTEST = """
import sys
import mmbot._core as extension
from mypy.stubtest import main
sys.modules[sys.argv[1]] = extension
sys.exit(main())
"""
SOURCES = Path(core.__file__).parents[1]


@pytest.mark.parametrize("stub", sorted(path.stem for path in SOURCES.glob("_core*.pyi")))
def test_stubs_fit_the_binary(stub: str, tmp_path: Path) -> None:
    allowed = tmp_path / "allowed.txt"
    # __all__ is written by the module macro and is not part of the face
    allowed.write_text("mmbot._core.__all__\n", encoding="ascii")
    whole = stub == "_core"
    options = ["--allowlist", str(allowed)] if whole else ["--ignore-missing-stub"]
    done = subprocess.run(
        [sys.executable, "-c", STUBTEST, f"mmbot.{stub}", *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "make",
    [
        lambda: core.Instrument("X", "0.1", "0.001"),
        lambda: core.ColumnReader([(False, False)]),
        core.StreamMerger,
        lambda: core.MarketGenerator(1),
        lambda: core.FrameBook("X", "0.1", "0.001"),
        lambda: core.PortfolioParams({}, ["X"]),
        lambda: core.PortfolioParams({}, ["X"]).cost_of("X"),
        core.FillRate,
        core.Turnover,
        core.Backoff,
        core.SlippageOverride,
        core.SymbolCalibration,
        lambda: core.MarketGenerator(1).next_chunk(10),
        core.JournalFramer,
        core.JournalDecoder,
        lambda: core.Backtest(core.Instrument("X", "0.1", "0.001"), [{}]),
    ],
)
def test_classes_are_frozen(make: object) -> None:
    assert callable(make)
    with pytest.raises(AttributeError):
        make().anything = 1  # an extension class keeps no state of Python's


def test_errors_carry_code_and_key() -> None:
    with pytest.raises(core.CoreError) as caught:
        core.Instrument("X", "0", "0.001")
    assert (caught.value.code, caught.value.key) == ("E_CFG_RANGE", "X")
    instrument = core.Instrument("X", "0.1", "0.001")
    cases: list[tuple[dict[str, object], str, str]] = [
        ({"strategy.no_such_key": 1}, "E_CFG_UNKNOWN_KEY", "strategy.no_such_key"),
        ({"strategy.levels_per_side": "three"}, "E_CFG_TYPE", "strategy.levels_per_side"),
        ({"trading.base_spread_bps": float("nan")}, "E_CFG_RANGE", "trading.base_spread_bps"),
    ]
    for lane, code, key in cases:
        with pytest.raises(core.CoreError) as caught:
            core.Backtest(instrument, [lane])
        assert (caught.value.code, caught.value.key) == (code, key)
    with pytest.raises(core.CoreError) as caught:
        core.Backtest(instrument, [{}], sim={"toxic_sweep_prob": 2.0})
    assert (caught.value.code, caught.value.key) == ("E_CALIB_RANGE", "toxic_sweep_prob")
    with pytest.raises(core.CoreError) as caught:
        core.Backtest(instrument, [])
    assert caught.value.code == "E_BT_ARGS"
