import hashlib
import json
import subprocess
import sys

import pytest

from mmbot import core
from mmbot.cli.app import run_cli
from mmbot.errors import ConfigError
from mmbot.research.queue_truth import QueueModel, TruthOptions, figure, parse_model, score

MODELS = tuple(parse_model(name) for name in ("conservative", "power:1.5", "log"))


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("conservative", QueueModel("conservative")),
        ("power", QueueModel("power", 2.0)),
        ("power:0.5", QueueModel("power", 0.5)),
        ("calibrated:3", QueueModel("calibrated", 3.0)),
    ],
)
def test_models_are_named_with_their_exponent(text, model):
    assert parse_model(text) == model
    assert parse_model(model.label) == model


@pytest.mark.parametrize("text", ["fifo", "power:x", "log:2", "", "power:"])
def test_a_bad_model_is_refused_by_its_text(text):
    with pytest.raises(ConfigError, match=f"--models {text}"):
        parse_model(text)


def test_an_exponent_out_of_range_is_refused_by_the_core():
    options = TruthOptions(models=(QueueModel("power", 11.0),), duration_ms=1_000)
    with pytest.raises(core.CoreError, match="E_CFG_RANGE: queue_power_n"):
        score(options)


def test_scores_add_up_and_the_conservative_model_fills_no_one_too_early():
    options = TruthOptions(models=MODELS, regime="calm", duration_ms=600_000)
    report = score(options)
    assert report["probes"] > 2_500
    for model in report["models"]:
        fills = model["fills"]
        assert (
            sum(fills[k] for k in ("both", "model_only", "truth_only", "neither"))
            == (report["probes"])
        )
        assert 0 < fills["precision"] <= 1
        assert 0 < fills["recall"] <= 1
        assert (
            sum(b["count"] for b in model["probability"]["bins"]) == (model["probability"]["count"])
        )
    conservative, power, _ = report["models"]
    assert conservative["fills"]["model_only"] == 0
    assert conservative["queue"]["bias_ratio"] > abs(power["queue"]["bias_ratio"])
    assert len(figure(report).panels) == 4


def test_the_command_writes_the_same_report_and_picture_twice(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MM_FREEZE_UTC", "1")
    names = ("a", "b")
    for name in names:
        arguments = ["--duration-min", "2", "--seed", "3", "--models", "power:2,log"]
        paths = ["--out", str(tmp_path / f"{name}.json"), "--plot", str(tmp_path / f"{name}.svg")]
        assert run_cli(["sim", "queue-truth", *arguments, *paths]) == 0
    for suffix in ("json", "svg"):
        first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in names)
        assert first == second
    artifact = json.loads((tmp_path / "a.json").read_text())
    assert [model["label"] for model in artifact["models"]] == ["power:2", "log"]
    assert artifact["runtime"]["mode"] == "sim"
    assert "power:2" in capsys.readouterr().out


def test_json_prints_the_artifact(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MM_FREEZE_UTC", "1")
    out = tmp_path / "facts.json"
    arguments = ["--synthetic", "--regime", "calm", "--duration-min", "1", "--json"]
    assert run_cli(["sim", "stylised-facts", *arguments, "--out", str(out)]) == 0
    assert capsys.readouterr().out == out.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["stylised-facts"], "E_CFG_MISSING: DATA"),
        (["queue-truth", "--regime", "quiet"], "E_CFG_RANGE: regime"),
        (["queue-truth", "--plot", "a.bmp"], "E_CFG_RANGE: --plot a.bmp"),
        (["queue-truth", "--models", "fifo"], "E_CFG_RANGE: --models fifo"),
        (["queue-truth", "--tick-size", "0"], "E_CFG_RANGE: tick_size"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(arguments, code, tmp_path, capsys):
    out = tmp_path / "report.json"
    assert run_cli(["sim", *arguments, "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(code)
    assert error.count("\n") == 1
    assert not out.exists()


def market_hash(seed, rows):
    market = core.MarketGenerator(seed, "mixed")
    digests = [hashlib.sha256() for _ in range(5)]
    while len(chunk := market.next_chunk(rows, 30_000_000_000)):
        for digest, column in zip(digests, chunk.to_arrays().values(), strict=True):
            digest.update(column.tobytes())
    return "".join(digest.hexdigest() for digest in digests)


SCRIPT = "from tests.unit.research.test_queue_truth import market_hash; print(market_hash(1, 777))"


def test_fresh_processes_and_other_chunk_sizes_generate_the_same_bytes():
    run = [sys.executable, "-c", SCRIPT]
    answers = {
        subprocess.run(run, capture_output=True, check=True, text=True).stdout.strip()
        for _ in range(2)
    }
    assert answers == {market_hash(1, 50_000)}
    assert market_hash(2, 50_000) not in answers


def test_a_generator_stops_before_the_time_and_goes_on_after_it():
    market = core.MarketGenerator(1, "calm", start_ts_ns=1_000)
    first = market.next_chunk(1_000_000, 1_000_000_000)
    second = market.next_chunk(1_000_000, 2_000_000_000)
    assert first.first_ts_ns == 1_000
    assert first.last_ts_ns < 1_000_000_000 <= second.first_ts_ns
    assert market.state == "calm"
    assert not len(market.next_chunk(10, 5))


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"regime": "quiet"}, "regime"),
        ({"levels": 0}, "levels"),
        ({"start_price": float("nan")}, "start_price"),
        ({"tick_size": "abc"}, "tick_size"),
        ({"start_ts_ns": -1}, "start_ts"),
    ],
)
def test_a_generator_names_the_argument_that_is_wrong(arguments, key):
    with pytest.raises(core.CoreError) as caught:
        core.MarketGenerator(1, **arguments)
    assert caught.value.key == key
    assert caught.value.code.startswith("E_CFG_")
