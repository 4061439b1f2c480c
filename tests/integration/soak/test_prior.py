"""`mmbot soak run --prior`: records of earlier runs move the model-based tuner at once."""

import json
import tarfile

import pytest
from tests.integration.soak.runs import FROZEN, run

from mmbot.cli.app import run_cli
from mmbot.errors import ConfigError
from mmbot.soak.history import earlier_iterations

pytest.importorskip("optuna")


def test_runs_of_one_market_share_their_stretches_and_archives_tell_nothing(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(tmp_path / name, iterations=2, seed=seed)
    found = earlier_iterations(tmp_path)
    markets = [summary["market"] for summary in found]
    assert len(found) == 6
    assert markets[:2] == markets[2:4]
    assert len(set(markets)) == 4
    latest = tmp_path / "c" / "soak" / "latest"
    packed = tmp_path / "packed"
    packed.mkdir()
    with tarfile.open(packed / "r.tar.gz", "w:gz") as archive:
        archive.add(latest, arcname="r")
    assert [dict(s).get("market", "") for s in earlier_iterations(packed)] == ["", ""]


def test_a_directory_without_records_is_an_error(tmp_path):
    with pytest.raises(ConfigError) as caught:
        earlier_iterations(tmp_path)
    assert caught.value.code == "E_SOAK_ARGS"


def test_earlier_runs_let_the_model_decide_from_the_first_window(tmp_path, monkeypatch, capsys):
    for name, value in FROZEN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    run(tmp_path / "earlier", iterations=8, seed=5)
    line = ["soak", "run", "--mock", "--auto-tune", "--sleep-seconds", "0", "--tuner", "bayes"]
    rules = {}
    for name, prior in (("without", []), ("with", ["--prior", str(tmp_path / "earlier")])):
        monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path / name))
        assert run_cli([*line, "--iterations", "2", *prior]) == 0
        latest = tmp_path / name / "soak" / "latest"
        tuning = json.loads((latest / "ITER_SUMMARY_1.json").read_bytes())["tuning"]
        rules[name] = {change["rule"] for change in tuning["changes"]}
        options = json.loads((latest / "RUN.json").read_bytes())["options"]
        assert ("prior" in options) == (name == "with")
    capsys.readouterr()
    assert "BAYES" not in rules["without"]
    assert rules["with"] == {"BAYES"}
