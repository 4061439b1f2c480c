"""The ten quoting parameters: their keys, their base values, the deltas on them."""

import pytest

from mmbot.config import ConfigRequest, load_config
from mmbot.config.quoting import BASE, PARAMETERS, effective
from mmbot.config.tree import dotted, to_tree
from mmbot.errors import ConfigError

TABLE = {
    "min_interval_ms": ("latency_boost.replace.min_interval_ms", 50),
    "tail_age_ms": ("latency_boost.tail_batch.tail_age_ms", 700),
    "max_delta_ratio": ("allocator.smoothing.max_delta_ratio", 0.12),
    "impact_cap_ratio": ("signals.impact_cap_ratio", 0.08),
    "replace_rate_per_min": ("latency_boost.replace.replace_rate_per_min", 400),
    "concurrency_limit": ("latency_boost.replace.max_concurrent", 2.0),
    "slippage_penalty_coef": ("strategy.slippage_penalty_coef", 0.0),
    "vip_tilt_cap": ("allocator.smoothing.fee_bias_cap_ratio", 0.0),
    "inventory_tilt_cap": ("strategy.inventory_tilt_cap_ratio", 0.30),
    "base_spread_bps": ("trading.base_spread_bps", 0.5),
}


@pytest.mark.spec("01-4.1", "01-D6")
def test_there_are_ten_parameters_with_their_keys_and_base_values():
    found = {name: (dotted(item.path), item.base) for name, item in PARAMETERS.items()}
    assert found == TABLE
    assert dict(BASE) == {name: base for name, (_, base) in TABLE.items()}


@pytest.mark.spec("01-4.1", "01-4.3")
@pytest.mark.parametrize("name", TABLE)
def test_a_parameter_sets_its_key_and_a_delta_counts_from_its_base(project, name):
    key, base = TABLE[name]
    value = base + (1 if isinstance(base, int) else 0.01)
    by_name = load_config(ConfigRequest(env={}, sets=(f"{name}={value}",))).config
    by_key = load_config(ConfigRequest(env={}, sets=(f"{key}={value}",))).config
    by_delta = load_config(ConfigRequest(env={}, sets=(f"{name}_delta={value - base}",))).config
    assert by_name == by_key
    assert effective(to_tree(by_delta))[name] == pytest.approx(value)


@pytest.mark.spec("01-4.1", "01-4.3")
def test_any_other_name_is_refused(project):
    for name in ("levels_per_side", "base_spread_bps_delta_delta", "min_interval"):
        with pytest.raises(ConfigError) as caught:
            load_config(ConfigRequest(env={"MM_RUNTIME_OVERRIDES_JSON": f'{{"{name}": 1}}'}))
        assert caught.value.code == "E_PROFILE_KEY"
