"""Layers, their precedence, where each value comes from, and what refuses to load."""

import json
from pathlib import Path

import pytest

from mmbot.config import ConfigRequest, check_config, explain, load_config
from mmbot.config.quoting import BASE
from mmbot.errors import ConfigError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path, monkeypatch):
    """A working directory with the shipped profiles and no configuration file."""
    (tmp_path / "config" / "profiles").mkdir(parents=True)
    for name in ("profiles.yaml", "profiles/market_maker_S1.json"):
        (tmp_path / "config" / name).write_bytes((ROOT / "config" / name).read_bytes())
    monkeypatch.chdir(tmp_path)


def write(text, name="config/app.yaml"):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def load(*sets, profile=None, env=None, **more):
    return load_config(ConfigRequest(sets=sets, profile=profile, env=env or {}, **more))


def error(*sets, **more):
    with pytest.raises(ConfigError) as caught:
        load(*sets, **more)
    return str(caught.value)


SPREAD = ("trading", "base_spread_bps")


@pytest.mark.spec("01-2.7", "01-D1")
def test_each_layer_wins_over_the_ones_below():
    assert load().config.trading.base_spread_bps == 0.5
    assert load().origin(SPREAD) == "default"
    write("trading: {symbols: [BTCUSDT], base_spread_bps: 1.0}")
    assert load().config.trading.base_spread_bps == 1.0
    assert load().origin(SPREAD) == "file"
    assert load(profile="S1").config.trading.base_spread_bps == 0.85
    assert load(profile="S1").origin(SPREAD) == "profile:S1"
    env = {"MM_CFG__trading__base_spread_bps": "3"}
    assert load(profile="S1", env=env).config.trading.base_spread_bps == 3.0
    assert load(profile="S1", env=env).origin(SPREAD) == "env"
    loaded = load("trading.base_spread_bps=4", profile="S1", env=env)
    assert loaded.config.trading.base_spread_bps == 4.0
    assert loaded.origin(SPREAD) == "cli"


@pytest.mark.spec("01-2.7", "09-1/6")
def test_an_explanation_lists_what_was_overridden_with_file_and_line():
    write("trading:\n  symbols: [BTCUSDT]\n  base_spread_bps: 1.0\n")
    told = explain(load("trading.base_spread_bps=4", profile="S1"), "trading.base_spread_bps")
    assert (told.value, told.origin) == ("4.000000", "cli")
    assert [(item.origin, item.value) for item in told.history] == [
        ("file", 1.0),
        ("profile:S1", 0.85),
        ("cli", 4),
    ]
    assert told.history[0].place.endswith("app.yaml:3")


@pytest.mark.spec("01-2.7")
def test_mappings_merge_and_lists_replace():
    write("trading: {symbols: [BTCUSDT]}\nmux: {weight_caps: {Moderate: 0.6}}\n")
    config = load("recorder.percentiles=[0.5]").config
    assert dict(config.mux.weight_caps) == {"Aggressive": 0.35, "Moderate": 0.6}
    assert config.recorder.percentiles == (0.5,)


@pytest.mark.spec("01-2", "01-6.1", "01-6.2")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strategy: {k_vola_spred: 1}", "E_CFG_UNKNOWN_KEY: strategy.k_vola_spred is not a key; "),
        ("strategy:\n  skew_coeff: 2\n", "E_CFG_RANGE: strategy.skew_coeff must be in [0,1] "),
        ("strategy:\n  levels_per_side: 2.0\n", "must be an integer, not 2.0 (config/app.yaml:4)"),
        ("strategy: {skew_coeff: .nan}", "E_CFG_INVARIANT: strategy.skew_coeff is not finite"),
        ("strategy: {skew_coeff: 'x'}", "E_CFG_TYPE: strategy.skew_coeff must be a number, not"),
        ("strategy: {enable_dynamic_spread: on}", "E_CFG_TYPE: strategy.enable_dynamic_spread"),
        ("strategy: {skew_coeff: 1}\nstrategy: {}", "E_CFG_PARSE: config/app.yaml:4 gives strateg"),
        ("strategy: {skew_coeff: 0.1, skew_coeff: 0.1}", "gives strategy.skew_coeff twice"),
        ("strategy: [", "E_CFG_PARSE: config/app.yaml:"),
        ("strategy: !!python/name:os.system x", "E_CFG_PARSE: config/app.yaml:3 has the tag"),
        ("a: &a [*a]", "expands without end"),
        ("--- {}\n--- {}", "E_CFG_PARSE"),
        ("venue: {api_key: abc}", "E_CFG_SECRET"),
        ("strategy: {api_secret: abc}", "E_CFG_SECRET"),
        ("portfolio: {min_weight: 0.9}", "E_CFG_INVARIANT: portfolio.min_weight must be <= portf"),
        ("risk: {risk_pause_threshold: 0.1}", "E_CFG_INVARIANT: risk.risk_pause_threshold"),
        ("signals: {sigma_bands: [[0,1,low],[2,3,mid]]}", "band mid must begin where low ends"),
        ("mux: {profiles: {low: {Moderate: 0.9}}}", "E_CFG_INVARIANT: mux.profiles.low must sum"),
        ("storage: {url: 'postgresql://a:b@h/d'}", "E_CFG_SECRET"),
        ("latency_boost: {tail_batch: {max_batch: 50}}", "the batch limit of bybit linear"),
        ("recorder: {merge_strategy: sum_bins, lock_mode: none}", "E_CFG_CONFLICT: recorder.merge"),
        ("fees: {bybit: {tiers: [{req_30d_usd: 5}]}}", "ascending req_30d_usd from 0"),
        ("logging: {level: LOUD}", "E_CFG_RANGE: logging.level must be one of 'DEBUG', 'INFO', "),
        ("portfolio: {manual_weights: {BTCUSDT: -1}}", "E_CFG_RANGE: portfolio.manual_weights.BTC"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(text, message):
    write(f"trading:\n  symbols: [BTCUSDT]\n{text}\n")
    line = error()
    assert message in line
    assert "\n" not in line


@pytest.mark.spec("01-2")
def test_encoding_size_and_place_of_the_file():
    Path("config/app.yaml").write_bytes(b"trading: {symbols: [\xff]}")
    assert "is not UTF-8 at byte" in error()
    Path("config/app.yaml").write_bytes(b"#" * (1 << 20) + b"##")
    assert "larger than 1 MiB" in error()
    Path("config/app.yaml").unlink()
    assert error(path=Path("nothing.yaml")) == "E_CFG_MISSING: nothing.yaml does not exist"
    assert error(mode="live") == "E_CFG_MISSING: config/app.yaml does not exist"
    env = {"CONFIG_PATH": "a.yaml", "MM_CONFIG_PATH": "b.yaml"}
    assert error(env=env).startswith("E_CFG_CONFLICT")
    assert "| config | WARN | file=none using=defaults |" in load().messages


@pytest.mark.spec("01-2.2")
def test_a_file_must_name_its_symbols_and_the_option_replaces_them():
    write("strategy: {skew_coeff: 0.1}")
    assert error().startswith("E_CFG_MISSING: trading.symbols")
    assert load(symbols=("ethusdt",)).config.trading.symbols == ("ETHUSDT",)


def test_all_problems_are_found_at_once():
    write("trading: {symbols: [BTCUSDT]}\nstrategy: {skew_coeff: 9, nope: 1}\nrisk: {x: 1}\n")
    _, problems = check_config(ConfigRequest(env={}))
    assert [problem.key for problem in problems] == [
        "risk.x",
        "strategy.nope",
        "strategy.skew_coeff",
    ]


@pytest.mark.spec("01-4.3", "01-D5")
def test_a_delta_counts_from_base_and_never_adds_up_over_layers():
    env = {"MM_RUNTIME_OVERRIDES_JSON": '{"base_spread_bps_delta": 0.1}'}
    loaded = load(profile="S1", env=env)
    assert loaded.config.trading.base_spread_bps == 0.6
    assert loaded.origin(SPREAD) == "env"
    # A value of one layer and a delta of another meet.
    loaded = load("base_spread_bps=2", profile="S1")
    assert loaded.config.trading.base_spread_bps == 2.35


@pytest.mark.spec("01-4.2")
def test_profile_s1_is_the_specified_set():
    config = load(profile="S1").config
    replace, smoothing = config.latency_boost.replace, config.allocator.smoothing
    assert replace.min_interval_ms == 60
    assert config.latency_boost.tail_batch.tail_age_ms == 700
    assert (smoothing.max_delta_ratio, config.signals.impact_cap_ratio) == (0.15, 0.10)
    assert replace.replace_rate_per_min == 300
    assert replace.max_concurrent == BASE["concurrency_limit"] - 0.1
    assert config.strategy.slippage_penalty_coef == 0.10
    assert smoothing.fee_bias_cap_ratio == 0.15
    assert config.strategy.inventory_tilt_cap_ratio == 0.20
    assert config.trading.base_spread_bps == 0.85


@pytest.mark.spec("01-4.2", "01-D11")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("steady_safe", (0.66, 0.08, 0.12, 75, 260, 740)),
        ("ultra_safe", (0.66, 0.08, 0.12, 80, 240, 700)),
        ("aggressive", (0.60, 0.12, 0.16, 50, 320, 500)),
    ],
)
def test_soak_profiles(name, expected):
    config = load(profile=name).config
    assert expected == (
        config.trading.base_spread_bps,
        config.signals.impact_cap_ratio,
        config.allocator.smoothing.max_delta_ratio,
        config.latency_boost.replace.min_interval_ms,
        config.latency_boost.replace.replace_rate_per_min,
        config.latency_boost.tail_batch.tail_age_ms,
    )


@pytest.mark.spec("01-4.4")
def test_an_overlay_profile_says_what_it_changes():
    loaded = load(profile="econ_moderate")
    assert loaded.config.canary.fraction == 0.05
    assert "PROFILE_APPLY key=canary.fraction old=0.1 new=0.05" in loaded.messages
    assert loaded.origin(("canary", "fraction")) == "profile:econ_moderate"


@pytest.mark.spec("01-4.4", "01-D2")
def test_profiles_of_different_kinds_stack_and_of_one_kind_replace():
    loaded = load(profile="S1", env={"MM_PROFILE": "econ_moderate"})
    assert loaded.profiles == ("econ_moderate", "S1")
    assert loaded.config.latency_boost.replace.min_interval_ms == 60
    assert loaded.config.canary.fraction == 0.05
    assert load(profile="aggressive", env={"MM_PROFILE": "ultra_safe"}).profiles == ("aggressive",)


@pytest.mark.spec("01-4.2", "01-4.4", "01-D3")
def test_profile_errors():
    assert error(profile="nope").startswith(
        "E_PROFILE_NOT_FOUND: nope is not a profile; there are:"
    )
    assert error(profile="../x").startswith("E_PROFILE_NOT_FOUND")
    write('{"tail_age_ms": 1}', "artifacts/soak/profiles/S1.json")
    assert error(profile="S1").startswith("E_PROFILE_AMBIGUOUS")
    write('{"tail_age_ms": 1, "levels": 2}', "config/profiles/market_maker_A.json")
    assert error(profile="A").startswith("E_PROFILE_KEY: levels")
    write('{"tail_age_ms": NaN}', "config/profiles/market_maker_B.json")
    assert error(profile="B").startswith("E_PROFILE_PARSE")
    write("profiles: {C: {risk: {max_position_usd: 1}}}", "config/profiles.yaml")
    assert error(profile="C").startswith("E_PROFILE_KEY: risk.max_position_usd")
    write("profiles: {D: {signals: {nope: 1}}}", "config/profiles.yaml")
    assert error(profile="D").startswith("E_CFG_UNKNOWN_KEY: signals.nope")


@pytest.mark.spec("01-4.2")
def test_a_soak_file_takes_the_place_of_the_built_in_profile():
    write('{"tail_age_ms": 555}', "artifacts/soak/profiles/ultra_safe.json")
    assert load(profile="ultra_safe").config.latency_boost.tail_batch.tail_age_ms == 555


@pytest.mark.spec("01-4.3", "01-D23")
def test_overrides_of_an_earlier_session_are_the_file_layer():
    path = write('{"tail_age_ms": 555}', "artifacts/soak/runtime_overrides.json")
    loaded = load()
    assert loaded.config.latency_boost.tail_batch.tail_age_ms == 555
    assert loaded.origin(("latency_boost", "tail_batch", "tail_age_ms")) == "file"
    assert f"| config | LOADED | source=file path={path} params=1 |" in loaded.messages
    path.write_text("{")
    assert error().startswith("E_CFG_RUNTIME_OVERRIDES")
    assert load(profile="S1").config.latency_boost.tail_batch.tail_age_ms == 700


@pytest.mark.spec("01-7", "01-D3")
def test_environment_variables():
    env = {"ORDER_TTL_MS": "900", "ENABLE_ANTI_STALE_GUARD": "0", "LOG_LEVEL": "debug"}
    loaded = load(env=env)
    assert loaded.config.strategy.order_ttl_ms == 900
    assert loaded.config.strategy.enable_anti_stale_guard is False
    assert loaded.config.logging.level == "DEBUG"
    assert "| config | LOADED | source=env params=3 |" in loaded.messages
    both = {"ORDER_TTL_MS": "900", "MM_CFG__strategy__order_ttl_ms": "901"}
    assert error(env=both).startswith("E_CFG_CONFLICT: strategy.order_ttl_ms")
    assert error(env={"MM_CFG__strategy__nope": "1"}).startswith("E_CFG_UNKNOWN_KEY: MM_CFG__")
    assert "must be one of" not in error(env={"MM_RUNTIME_OVERRIDES_JSON": "[1]"})
    assert error(env={"MM_RUNTIME_OVERRIDES_JSON": "[1]"}).startswith("E_CFG_RUNTIME_OVERRIDES")
    assert error(env={"MM_RUNTIME_OVERRIDES_JSON": '{"x":1}'}).startswith("E_PROFILE_KEY: x")
    prod = {"MM_ENV": "prod", "MM_CFG__chaos__enabled": "true"}
    assert error(env=prod).startswith("E_CFG_CONFLICT: chaos.enabled")


@pytest.mark.spec("01-2.7")
def test_one_source_may_not_contradict_itself():
    assert error("base_spread_bps=1", "trading.base_spread_bps=2").startswith("E_CFG_CONFLICT")
    assert (
        load("base_spread_bps=1", "trading.base_spread_bps=1").config.trading.base_spread_bps == 1
    )


@pytest.mark.spec("01-3.2")
def test_legacy_keys_are_converted_with_a_warning():
    text = "allocator: {smoothing: {bias_cap: 0.2, fee_bias_cap_bps: 300}}\n"
    write(f"trading: {{symbols: [BTCUSDT]}}\n{text}autopolicy: {{max_level: 2}}\n")
    loaded = load()
    assert loaded.config.allocator.smoothing.bias_cap_ratio == 0.2
    assert loaded.config.allocator.smoothing.fee_bias_cap_ratio == 0.03
    assert loaded.config.autopolicy.level_max == 2
    assert [line for line in loaded.messages if line.startswith("W_")] == [
        "W_CFG_LEGACY: allocator.smoothing.bias_cap -> allocator.smoothing.bias_cap_ratio",
        (
            "W_CFG_LEGACY: allocator.smoothing.fee_bias_cap_bps -> "
            "allocator.smoothing.fee_bias_cap_ratio"
        ),
        "W_CFG_LEGACY: autopolicy.max_level -> autopolicy.level_max",
    ]
    write("trading: {symbols: [BTCUSDT]}\nautopolicy: {max_level: 2, level_max: 3}\n")
    assert error().startswith("E_CFG_CONFLICT: autopolicy.level_max")
    write("trading: {symbols: [BTCUSDT]}")
    assert "autopolicy.level_max must be in [0,10]" in error("autopolicy.max_level=99")


@pytest.mark.spec("01-2.5")
def test_derived_defaults_follow_the_keys_they_come_from():
    sets = ("trading.maker_fee_bps=-0.5", "signals.sigma_bands=[[0,2,low],[2,9,high]]")
    config = load(*sets).config
    assert config.fees.bybit.tiers[0].maker_bps == -0.5
    assert config.mux.bands == config.signals.sigma_bands


def test_set_needs_a_key_and_a_readable_value():
    assert error("strategy.skew_coeff").startswith("E_CFG_PARSE: --set strategy.skew_coeff")
    assert error("strategy.skew_coeff=[").startswith("E_CFG_PARSE: strategy.skew_coeff")
    assert error("tail_age_ms=fast").startswith("E_CFG_TYPE: tail_age_ms")
    assert error("strategy=1").startswith("E_CFG_UNKNOWN_KEY: strategy is a section")


def test_a_time_of_day_stays_text():
    write("trading: {symbols: [BTCUSDT]}\nscheduler: {windows: [{start: 10:30, end: 18:00}]}")
    assert load().config.scheduler.windows[0].start == "10:30"


def test_the_shipped_files_load():
    for path in (ROOT / "config" / "profiles").glob("*.json"):
        assert json.loads(path.read_bytes())
    assert load(path=ROOT / "config" / "app.yaml").config.trading.symbols


@pytest.mark.spec("01-D25", "01-3.1")
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ethusdc", "BTC-USD", "BTC/USDT:USDT"])
def test_a_symbol_quoted_in_dollars_is_traded(symbol):
    assert load(symbols=(symbol,)).config.trading.symbols == (symbol.upper(),)


@pytest.mark.spec("01-D25", "01-3.1")
@pytest.mark.parametrize("symbol", ["ETHBTC", "BTCEUR", "USDT", "BTC-EUR", "USDTBTC"])
def test_a_symbol_quoted_otherwise_is_refused(symbol):
    line = error(symbols=(symbol,))
    assert line.startswith("E_CFG_RANGE: trading.symbols must have quote currency USD")


@pytest.mark.spec("01-D10")
@pytest.mark.parametrize(
    ("key", "within", "beyond"),
    [
        ("risk.max_drawdown_pct", 1.0, 1.01),
        ("throttle.jitter_pct", 0.5, 0.51),
        ("shadow.max_size_diff_pct", 10.0, None),
        ("rollout.traffic_split_pct", 100, 101),
        ("runtime_guard.cancel_rate_pct_of_limit_max", 90.0, None),
    ],
)
def test_a_key_in_percent_keeps_its_own_range(key, within, beyond):
    assert load(f"{key}={within}")
    if beyond is not None:
        assert error(f"{key}={beyond}").startswith(f"E_CFG_RANGE: {key} must be in [0,{within:g}]")
