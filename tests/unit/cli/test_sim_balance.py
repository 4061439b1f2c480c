"""`mmbot sim virtual-balance`: files in, files out, lines that are refused."""

import json

import pytest

from mmbot.cli.app import run_cli

TRADE = {"ts": 1000, "symbol": "X", "side": "Buy", "price": 100.5, "qty": 2, "fee_bps": 1}
PRICE = {"ts": 1500, "symbol": "X", "mid": 101}


def lines(path, *records):
    text = "".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in records)
    path.write_text(text)
    return path


@pytest.fixture
def ledger(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(trades, prices, *more):
        code = run_cli(
            [
                *("sim", "virtual-balance"),
                *("--trades", str(lines(tmp_path / "t.jsonl", *trades))),
                *("--prices", str(lines(tmp_path / "p.jsonl", *prices))),
                *more,
            ]
        )
        return code, *capsys.readouterr()

    return run


@pytest.mark.spec("08-4.4", "02-16")
def test_both_files_are_written_byte_for_byte_alike(ledger, tmp_path):
    code, out, err = ledger([TRADE], [PRICE], "--initial-cash", "10.5")
    daily, equity = (tmp_path / "artifacts" / f"LEDGER_{n}.json" for n in ("DAILY", "EQUITY"))
    assert (code, out, err) == (0, f"WROTE {daily} {equity}\n", "")
    assert json.loads(equity.read_bytes()) == [
        {"equity": 10.4799, "ts": 1000},
        {"equity": 11.4799, "ts": 1500},
    ]
    (day,) = json.loads(daily.read_bytes())
    sums = {"fees", "fills", "funding", "realized", "rebates", "transfers", "turnover"}
    assert set(day) == sums | {"date", "equity", "pnl", "trading_pnl", "unrealized"}
    assert (day["date"], day["fills"], day["turnover"], day["fees"]) == (
        "1970-01-01",
        1,
        201,
        0.0201,
    )
    before = daily.read_bytes() + equity.read_bytes()
    for _ in range(2):
        assert ledger([TRADE], [PRICE], "--initial-cash", "10.5")[0] == 0
        assert daily.read_bytes() + equity.read_bytes() == before


def test_cash_flows_and_the_ledgers_currency_count(ledger, tmp_path):
    flows = lines(
        tmp_path / "f.jsonl",
        {"ts": 1600, "kind": "funding", "amount": -1, "symbol": "X"},
        {"ts": 1700, "kind": "transfer", "amount": 100},
    )
    (tmp_path / "c.yaml").write_text(
        "trading: {symbols: [BTCUSDT], base_ccy: EUR, fx_usd_to_base: 0.5}\n"
    )
    more = ("--cash-flows", str(flows), "--config", str(tmp_path / "c.yaml"))
    assert ledger([TRADE], [PRICE], *more)[0] == 0
    (day,) = json.loads((tmp_path / "artifacts" / "LEDGER_DAILY.json").read_bytes())
    assert (day["turnover"], day["funding"], day["transfers"]) == (100.5, -1, 100)
    assert day["equity"] == pytest.approx(0.5 - 0.01005 - 1 + 100)


def test_repeated_executions_are_told(ledger):
    code, _, err = ledger([TRADE | {"exec_id": 7}] * 3, [PRICE])
    assert (code, err) == (0, "repeated executions, counted once: 2\n")


@pytest.mark.spec("08-4.4")
@pytest.mark.parametrize(
    "bad",
    [
        "no json",
        "[1]",
        '{"ts":1,"symbol":"X","side":"B","price":NaN,"qty":1,"fee_bps":0}',
        '{"ts":Infinity,"symbol":"X","side":"B","price":1,"qty":1,"fee_bps":0}',
        TRADE | {"price": 0},
        TRADE | {"qty": -1},
        TRADE | {"side": "hold"},
        TRADE | {"symbol": ""},
        TRADE | {"ts": "1"},
        TRADE | {"price": True},
        {key: value for key, value in TRADE.items() if key != "fee_bps"},
    ],
)
def test_a_bad_trade_is_named_by_file_and_line_and_nothing_is_written(ledger, tmp_path, bad):
    code, out, err = ledger([TRADE, "", bad], [PRICE])
    assert (code, out) == (1, "")
    assert err.startswith(f"E_FINOPS_LEDGER_INPUT:{tmp_path}/t.jsonl:3: line=3 ")
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.spec("08-4.4")
def test_a_negative_rebate_bad_prices_and_bad_flows_are_refused(ledger, tmp_path):
    _, _, err = ledger([TRADE, TRADE | {"maker_rebate_bps": -0.1}], [PRICE])
    assert err.startswith("E_FINOPS_LEDGER_REBATE_SIGN:2: ")
    _, _, err = ledger([TRADE], [PRICE | {"mid": 0}])
    assert err.startswith(f"E_FINOPS_LEDGER_INPUT:{tmp_path}/p.jsonl:1: ")
    flows = lines(tmp_path / "f.jsonl", {"ts": 1, "kind": "gift", "amount": 1})
    _, _, err = ledger([TRADE], [PRICE], "--cash-flows", str(flows))
    assert err.startswith(f"E_FINOPS_LEDGER_INPUT:{tmp_path}/f.jsonl:1: ")
    _, _, err = ledger([TRADE], [PRICE], "--cash-flows", str(tmp_path / "none"))
    assert err.startswith("E_FINOPS_LEDGER_INPUT:")
    _, _, err = ledger([TRADE], [PRICE], "--initial-cash", "much")
    assert err.startswith("E_CFG_TYPE: --initial-cash")
    assert not (tmp_path / "artifacts").exists()


def test_no_events_give_empty_files(ledger, tmp_path):
    assert ledger([], [])[0] == 0
    assert (tmp_path / "artifacts" / "LEDGER_DAILY.json").read_bytes() == b"[]\n"
