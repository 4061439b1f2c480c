"""Every key has its default, its range and its unit; the page of keys is what the models say."""

import math
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from mmbot.config import AppConfig, describe, unit_findings
from mmbot.config.describe import _UNITLESS, describe_values
from mmbot.config.invariants import violations
from mmbot.config.reference import key_table
from mmbot.config.schema import all_keys, nearest_key, split_key
from mmbot.config.tree import leaves, to_tree
from mmbot.errors import ConfigError

ROOT = Path(__file__).parents[3]
DEFAULTS = Path(__file__).with_name("defaults.txt")

SUFFIX_BOUNDS = {
    "_bps": (-1000.0, 1000.0),
    "_usd": (0.0, math.inf),
    "_base_units": (0.0, math.inf),
    "_ratio": (0.0, 1.0),
    "_ms": (0.0, math.inf),
    "_sec": (0.0, math.inf),
    "_minutes": (0.0, math.inf),
    "_days": (0.0, math.inf),
}


def test_defaults_are_the_specified_ones():
    lines = describe(AppConfig()).splitlines()
    assert lines == DEFAULTS.read_text().splitlines()
    assert len(lines) > 200
    assert violations(AppConfig()) == []


@pytest.mark.spec("01-3.1")
def test_numeric_keys_are_not_wider_than_their_unit_suffix_allows():
    seen = 0
    for name, info in all_keys().items():
        for suffix, (low, high) in SUFFIX_BOUNDS.items():
            if not name.endswith(suffix) or not info.type.startswith(("a number", "an integer")):
                continue
            seen += 1
            bounds = info.range
            assert bounds, f"{name} has no range"
            if bounds.startswith("in "):
                lower, upper = (float(x) for x in bounds[4:-1].split(","))
                assert low <= lower
                assert upper <= high
            else:
                assert high == math.inf, f"{name} needs an upper bound"
                assert float(bounds.split()[1]) >= low
    assert seen > 60


@pytest.mark.spec("01-3.1")
def test_no_key_lacks_a_unit_and_no_exception_is_idle():
    assert unit_findings() == []
    used = {name.rsplit(".", 1)[-1] for name in all_keys()}
    assert sorted(_UNITLESS - used) == []


def test_the_page_of_keys_is_current():
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert key_table() in page, "run: python -m mmbot.config.reference"


@pytest.mark.spec("01-2")
@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("strategy.k_vola_spred", "strategy.k_vola_spread"),
        ("k_vola_spread", "strategy.k_vola_spread"),
        ("risk.levels_per_side", "strategy.levels_per_side"),
        ("stratgy.skew_coeff", "strategy.skew_coeff"),
        ("qqqqqq.zzzz", None),
    ],
)
def test_a_misspelt_key_names_its_neighbour(text, near):
    assert nearest_key(text) == near
    with pytest.raises(ConfigError) as caught:
        split_key(text)
    assert caught.value.code == "E_CFG_UNKNOWN_KEY"


def test_a_section_is_not_a_key():
    with pytest.raises(ConfigError, match="is a section"):
        split_key("strategy")
    with pytest.raises(ConfigError, match="is a section"):
        split_key("latency_boost.replace")


def test_dots_inside_an_overlay_belong_to_its_key():
    path = split_key("rollout.blue.strategy.levels_per_side")
    assert path == ("rollout", "blue", "strategy.levels_per_side")


@pytest.mark.spec("01-2")
def test_the_configuration_cannot_be_changed():
    config = AppConfig()
    with pytest.raises(ValidationError):
        setattr(config.strategy, "levels_per_side", 5)  # noqa: B010
    with pytest.raises(TypeError):
        config.mux.weight_caps["Aggressive"] = 1.0  # type: ignore[index]
    assert pickle.loads(pickle.dumps(config)) == config


def test_every_leaf_is_described():
    described = set(describe_values(AppConfig()))
    for path, value in leaves(to_tree(AppConfig())):
        name = ".".join(path)
        if value in ({}, []) or isinstance(value, dict):
            continue
        assert name in described or any(key.startswith(f"{name}.") for key in described)
