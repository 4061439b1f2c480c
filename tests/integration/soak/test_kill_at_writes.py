"""A run that dies before or after any single write of a file, whichever it is, is resumed whole.

Stages name the writes that matter; this test knows no stage. It counts every file that takes its
place during three iterations and dies at each of them once.
"""

import json

import pytest
from tests.integration.soak.runs import FROZEN, Killed, run, tree

from mmbot.soak.parameters import DEFAULTS, TUNABLES
from mmbot.store import artifacts

ITERATIONS = 3
MOMENTS = ("before", "after")


@pytest.fixture(autouse=True)
def _frozen(monkeypatch):
    for name, value in FROZEN.items():
        monkeypatch.setenv(name, value)


class Fuse:
    """Stands where a written file takes its place; burns at write number `at`."""

    def __init__(self, monkeypatch, at=None, moment="before"):
        self.count, self.names = 0, []
        self._place, self._at, self._moment = artifacts._replace, at, moment
        monkeypatch.setattr(artifacts, "_replace", self)

    def __call__(self, temp, path):
        self.count += 1
        self.names.append(path.name)
        if self.count == self._at and self._moment == "before":
            raise Killed
        self._place(temp, path)
        if self.count == self._at:
            raise Killed

    def remove(self, monkeypatch):
        monkeypatch.setattr(artifacts, "_replace", self._place)


def check_whole(root):
    """Every iteration is recorded once, and the file is what the records add up to."""
    latest = root / "soak" / "latest"
    values = dict(DEFAULTS)
    for number in range(1, ITERATIONS + 1):
        tuning = json.loads((latest / f"ITER_SUMMARY_{number}.json").read_bytes())["tuning"]
        for name, delta in tuning["applied_deltas"].items():
            values[name] = TUNABLES[name].rounded(values[name] + delta)
    assert json.loads((root / "soak" / "runtime_overrides.json").read_bytes()) == values
    report = json.loads((latest / "TUNING_REPORT.json").read_bytes())
    assert [entry["iteration"] for entry in report] == list(range(1, ITERATIONS + 1))
    assert json.loads((latest / "TUNING_STATE.json").read_bytes())["pending"] is None
    leftovers = [name for name in tree(latest) if ".tmp" in name]
    assert leftovers == []


@pytest.mark.slow
@pytest.mark.spec("07-10")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_at_any_write_loses_and_doubles_nothing(tmp_path, monkeypatch, moment):
    counting = Fuse(monkeypatch)
    run(tmp_path / "whole", iterations=ITERATIONS)
    counting.remove(monkeypatch)
    assert counting.count > 25
    assert counting.names.count("runtime_overrides.json") == 1 + ITERATIONS
    for at in range(1, counting.count + 1):
        root = tmp_path / str(at)
        fuse = Fuse(monkeypatch, at, moment)
        with pytest.raises(Killed):
            run(root, iterations=ITERATIONS)
        fuse.remove(monkeypatch)
        run(root, iterations=ITERATIONS, resume=True)
        check_whole(root)
