"""Explanations against what the journal says was sent."""

import json

import pytest
from tests.unit.trading.test_replaying import rewritten
from tests.unit.trading.written_sessions import PREFIX, START_NS, write_session

from mmbot.errors import ConfigError, StoreError
from mmbot.ids import base36
from mmbot.store.canonical import canonical_json
from mmbot.store.journal import JournalReader
from mmbot.trading.explain import explain, order_number
from mmbot.units import NS_PER_SEC


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    return write_session(tmp_path_factory.mktemp("journal"), seconds=12)


@pytest.fixture(scope="module")
def intents(journal):
    return list(JournalReader(journal).records(kinds=["intent"]))


@pytest.mark.spec("09-2")
def test_every_order_is_explained_by_the_request_that_was_sent(journal, intents):
    grids = {"BTCUSDT": (0.1, 0.001), "ETHUSDT": (0.01, 0.01)}
    numbers = sorted({intent["full_cid"] for intent in intents})
    assert len(numbers) > 20
    for number in numbers[:: max(1, len(numbers) // 25)]:
        found = explain(journal, order=number)
        sent = [intent for intent in intents if intent["full_cid"] == number]
        tick, lot = grids[found.symbol]
        assert found.order_id == f"{PREFIX}{base36(number)}"
        assert [request.seq for request in found.requests] == [one["seq"] for one in sent]
        assert [request.cause for request in found.requests] == [one["cause"] for one in sent]
        assert found.requests[0].price == pytest.approx(sent[0]["px"] * tick)
        assert found.requests[0].qty == pytest.approx(sent[0]["qty"] * lot)
        steps = found.decisions[0].steps
        made = [s["fields"] for s in steps if s["step"] == "request"]
        own = next(fields for fields in made if fields["order"] == number)
        assert own["px"] == pytest.approx(found.requests[0].price)
        assert own["qty"] == pytest.approx(found.requests[0].qty)
        assert len(found.decisions) == len(found.requests)


@pytest.mark.spec("09-2")
def test_an_explanation_shows_inputs_steps_checks_and_parameters_with_origins(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # no configuration file
    sets = ("strategy.levels_per_side=2", "risk.max_position_usd=9000")
    journal = write_session(tmp_path, seconds=4, symbols=("BTCUSDT",), sets=sets)
    found = explain(
        journal, order=next(iter(JournalReader(journal).records(kinds=["intent"])))["full_cid"]
    )
    names = [step["step"] for step in found.decisions[0].steps]
    assert names[:4] == ["market", "position", "permit", "policy"]
    assert {"spread", "skew", "center", "level", "target", "place", "check", "request"} <= {*names}
    by_key = {parameter.key: parameter for parameter in found.parameters}
    assert by_key["strategy.levels_per_side"].value == 2
    assert by_key["strategy.levels_per_side"].origin == "cli"
    assert by_key["risk.max_position_usd"].origin == "cli"
    assert by_key["strategy.skew_coeff"].origin == "default"
    assert json.loads(canonical_json(found.as_json(), nonfinite="null"))["symbol"] == "BTCUSDT"


@pytest.mark.spec("09-2")
def test_a_moment_shows_what_was_refused(tmp_path):
    sets = ("limits.max_order_notional_usd=1",)
    journal = write_session(tmp_path, seconds=4, symbols=("BTCUSDT",), sets=sets)
    found = explain(journal, at=("BTCUSDT", START_NS + 3 * NS_PER_SEC))
    steps = found.decisions[0].steps
    checks = [s["fields"] for s in steps if s["step"] == "check"]
    refused = [fields for fields in checks if fields["refused"] is not None]
    assert {fields["refused"] for fields in refused} == {"limit_order_notional"}
    assert all(fields["value"] > fields["limit"] == 1 for fields in refused)
    blocked = {s["fields"]["detail"] for s in steps if s["step"] == "blocked"}
    assert "limit_order_notional" in blocked
    assert (found.requests, found.order_id) == ((), None)
    decided_ns = found.decisions[0].ts_ns
    assert decided_ns is not None
    assert START_NS + 2 * NS_PER_SEC <= decided_ns <= START_NS + 3 * NS_PER_SEC


@pytest.mark.spec("09-2")
def test_a_journal_that_replays_to_something_else_explains_nothing(journal, intents, tmp_path):
    victim = next(i for i in intents[30:] if i["action"] == "place")

    def change(record):
        if record["seq"] == victim["seq"]:
            record["qty"] += 1
        return record

    changed = rewritten(journal, tmp_path, change)
    with pytest.raises(StoreError) as caught:
        explain(changed, order=victim["full_cid"])
    assert caught.value.code == "E_WHY_MISMATCH"
    assert f"seq={victim['seq']}" in str(caught.value)
    earlier = next(i for i in intents if i["action"] == "place")
    lived = [i for i in intents if i["full_cid"] == earlier["full_cid"]]
    if lived[-1]["seq"] < victim["seq"]:
        assert explain(changed, order=earlier["full_cid"]).requests


def test_what_the_journal_does_not_hold_is_missing(journal):
    with pytest.raises(ConfigError, match="E_CFG_MISSING"):
        explain(journal, order=10**9)
    with pytest.raises(ConfigError, match="E_CFG_MISSING"):
        explain(journal, at=("BTCUSDT", START_NS - 1))
    with pytest.raises(ConfigError, match="BTCUSDT, ETHUSDT"):
        explain(journal, at=("XRPUSDT", START_NS))


def test_order_ids_are_numbers_or_the_text_that_the_venue_saw():
    assert order_number("100", PREFIX) == 100
    assert order_number(f"{PREFIX}2s", PREFIX) == 100
    for bad in ("", "x", f"{PREFIX}", f"{PREFIX}A!", "mmother-2s", "-5"):
        with pytest.raises(ConfigError, match="ORDER_ID"):
            order_number(bad, PREFIX)
