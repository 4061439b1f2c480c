"""`mmbot portfolio`: the table, the picture, the fee line, one-line errors."""

import pytest

from mmbot.cli.app import run_cli


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.spec("03-1", "03-8")
def test_preview_prints_the_table_and_draws_the_same_picture_twice(tmp_path, capsys):
    args = ["portfolio", "preview", "--mode", "risk_parity", "--vol", "AAA=0.02", "--vol", "BBB=1"]
    assert run_cli([*args, "--max-weight", "1", "--plot", "a.svg"]) == 0
    out = capsys.readouterr().out
    assert "Mode: risk_parity\n" in out
    assert out.endswith("Vol source: option\n")
    assert run_cli([*args, "--max-weight", "1", "--plot", "b.svg"]) == 0
    picture = (tmp_path / "a.svg").read_bytes()
    assert picture == (tmp_path / "b.svg").read_bytes()
    for text in (b"Weight", b"Share of risk", b"Cut by each stage, USD", b"AAA", b"BBB", b"cost"):
        assert text in picture
    assert run_cli([*args, "--max-weight", "1", "--plot", "a.png"]) == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.spec("03-8")
def test_manual_preview_without_volatility_uses_the_demonstration_set(capsys):
    assert run_cli(["portfolio", "preview", "--mode", "manual", "--budget-usd", "500"]) == 0
    out = capsys.readouterr().out
    assert "Budget: $500\n" in out
    assert "BTCUSDT      0.0250   0.5000   $250        10\n" in out
    assert out.endswith("Vol source: demo\n")


@pytest.mark.spec("03-7")
def test_fees_print_one_line(capsys):
    assert run_cli(["portfolio", "fees", "--set", "trading.maker_fee_bps=1.0"]) == 0
    line = "tier_now=0 eff_now_bps=1.000 tier_next=- distance_usd=0 suggestion=tilt OFF\n"
    assert capsys.readouterr().out == line


@pytest.mark.parametrize(
    "args",
    [
        ["--mode", "x"],
        ["--budget-usd", "-1"],
        ["--alpha", "0"],
        ["--min-weight", "0.6"],
        ["--vol", "AAA"],
        ["--vol", "AAA=nan"],
        ["--plot", "a.txt"],
    ],
)
def test_a_bad_option_is_one_line_and_exit_1(args, capsys):
    assert run_cli(["portfolio", "preview", *args]) == 1
    err = capsys.readouterr().err
    assert err.startswith("E_CFG_")
    assert err.count("\n") == 1
