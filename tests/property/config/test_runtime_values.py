"""Any sequence of edits, reloads, patches and roll-backs, against two dictionaries."""

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbot.config import ConfigRequest, RuntimeConfig
from mmbot.config.changes import key_values

HOT = ("risk.max_position_usd", "strategy.levels_per_side", "latency_boost.tail_batch.tail_age_ms")
FIXED = "recorder.queue_max"
KEYS = (*HOT, FIXED)

values = st.integers(min_value=1, max_value=10)
steps = st.one_of(
    st.tuples(st.just("edit"), st.sampled_from(KEYS), values),
    st.tuples(st.just("remove"), st.sampled_from(KEYS), values),
    st.tuples(st.just("reload"), st.none(), values),
    st.tuples(st.just("patch"), st.sampled_from(HOT), values),
    st.tuples(st.just("rollback"), st.none(), values),
)


class Model:
    """What should hold: sources as read last, runtime values over them, fixed keys as started."""

    def __init__(self, defaults):
        self.defaults = defaults
        self.file: dict[str, int] = {}
        self.read: dict[str, int] = {}
        self.runtime: dict[str, int] = {}
        self.versions: list[dict[str, object]] = [self.in_force()]

    def in_force(self):
        hot = {key: self.runtime.get(key, self.source(self.read, key)) for key in HOT}
        return hot | {FIXED: self.defaults[FIXED]}

    def source(self, file, key):
        return file.get(key, self.defaults[key])

    def reload(self):
        for key in HOT:
            if self.source(self.read, key) != self.source(self.file, key):
                self.runtime.pop(key, None)
        self.read = dict(self.file)

    def rollback(self, target):
        self.runtime = {
            key: target[key] for key in HOT if target[key] != self.source(self.read, key)
        }

    def record(self):
        if self.in_force() != self.versions[-1]:
            self.versions.append(self.in_force())


def write(path, file):
    tree: dict[str, Any] = {"trading": {"symbols": ["BTCUSDT"]}}
    for key, value in file.items():
        inner = tree
        *outer, last = key.split(".")
        for name in outer:
            inner = inner.setdefault(name, {})
        inner[last] = float(value) if key.endswith("_usd") else value
    path.write_text(yaml.safe_dump(tree))


@settings(deadline=None, max_examples=25)
@given(st.lists(steps, max_size=12))
def test_the_values_in_force_are_those_of_the_model(sequence):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "app.yaml"
        write(path, {})
        env = {"ARTIFACTS_DIR": str(Path(name) / "artifacts")}
        run = RuntimeConfig.start(ConfigRequest(path=path, env=env), lambda _line: None)
        model = Model(key_values(run.config))
        for verb, key, value in sequence:
            if verb == "edit":
                model.file[key] = value
                write(path, model.file)
            elif verb == "remove":
                model.file.pop(key, None)
                write(path, model.file)
            elif verb == "reload":
                change = run.reload("test")
                pending = model.source(model.file, FIXED) != model.defaults[FIXED]
                if change is not None:
                    assert change.needs_restart == ((FIXED,) if pending else ())
                model.reload()
            elif verb == "patch":
                run.patch({key: value}, origin="test", reason="test")
                model.runtime[key] = value
            else:
                number = min(value, len(model.versions))
                run.commit(run.plan_rollback(number))
                model.rollback(model.versions[number - 1])
            model.record()
            now = key_values(run.config)
            assert {key: now[key] for key in KEYS} == model.in_force()
            assert run.version == len(model.versions)
