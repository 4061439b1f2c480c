import json

import pytest
from tests.unit.market.summaries.made_summaries import VALID, valid, without

from mmbot.cli.app import run_cli

OLD = without("generated_at_utc", "window_utc", "bins_max_bps", "percentiles_used")
OLD["schema_version"] = "e1.0"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "s" / "BTCUSDT"
    directory.mkdir(parents=True)
    return directory


def put(folder, hour, payload):
    path = folder / f"BTCUSDT_2024-08-09_{hour}.json"
    path.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return path


def test_validate(folder, capsys):
    put(folder, "12", VALID)
    put(folder, "13", OLD)
    assert run_cli(["data", "summaries", "validate", "s"]) == 0
    out = capsys.readouterr().out
    assert out == "".join(f"OK s/BTCUSDT/BTCUSDT_2024-08-09_{h}.json\n" for h in (12, 13))


def test_validate_names_every_error_of_every_file(folder, capsys):
    good = put(folder, "12", VALID)
    bad = put(folder, "13", valid(counts__orders=-1, symbol="x"))
    broken = put(folder, "14", "{")
    before = bad.read_bytes()
    paths = [str(path) for path in (good, bad, broken, folder / "none.json")]
    assert run_cli(["data", "summaries", "validate", *paths]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"OK {good}"
    assert [line.split()[:3] for line in lines[1:3]] == [
        ["FAIL", str(bad), "symbol:"],
        ["FAIL", str(bad), "counts.orders:"],
    ]
    assert lines[3].startswith(f"FAIL {broken} E_SUM_INVALID: ")
    assert "cannot be read" in lines[4]
    assert bad.read_bytes() == before


def test_an_empty_directory_is_an_error(folder, capsys):
    assert run_cli(["data", "summaries", "validate", "s"]) == 1
    assert "holds no hourly summary" in capsys.readouterr().err


def test_upgrade_shows_and_writes(folder, capsys):
    old, new, bad = put(folder, "12", OLD), put(folder, "13", VALID), put(folder, "14", "{")
    texts = {path: path.read_bytes() for path in (old, new, bad)}
    assert run_cli(["data", "summaries", "upgrade", str(old), str(new)]) == 0
    assert capsys.readouterr().out == f"WOULD UPGRADE {old} e1.0 -> e1.1\nKEEP {new} e1.1\n"
    assert all(path.read_bytes() == text for path, text in texts.items())
    assert run_cli(["data", "summaries", "upgrade", "s", "--write"]) == 1
    assert json.loads(old.read_bytes())["schema_version"] == "e1.1"
    assert (new.read_bytes(), bad.read_bytes()) == (texts[new], texts[bad])
    assert "FAIL s/BTCUSDT/BTCUSDT_2024-08-09_14.json E_SUM_INVALID" in capsys.readouterr().out
    assert len(list(folder.iterdir())) == 3
