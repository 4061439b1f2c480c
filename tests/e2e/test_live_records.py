"""What a live session leaves behind, and what it does when it can not leave it."""

import json
import re
import resource
import signal
import sqlite3

import pytest
from tests.e2e.live_world import SYMBOL, ended, interrupt, is_replay_ok, until, world
from tests.e2e.processes import start_command
from tests.recorded import VENUE, capture_of, frames_of, rows_of

from mmbot.clock import wall_ns
from mmbot.market.frames import FrameKind
from mmbot.market.importers.job import ImportOptions, import_files
from mmbot.store.audit_chain import verify
from mmbot.units import NS_PER_SEC

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]


def research_of(one):
    return one.path / "data" / "research"


def check_catalog(one):
    """The catalog holds what importing the frames gives."""
    out = one.path / "imported"
    files = sorted(capture_of(research_of(one)).glob("*.mmf"))
    report = import_files(files, ImportOptions(out=out, keep_recv=True))
    assert report.totals["quarantined"] == 0
    recorded = rows_of(research_of(one), SYMBOL)
    assert recorded
    assert recorded == rows_of(out, SYMBOL)


def artifact(one, name):
    return json.loads((one.path / "artifacts" / name).read_bytes())


def fills_in_sql(one):
    with sqlite3.connect(one.path / "data" / "mmbot.db") as db:
        return db.execute("SELECT count(*) FROM fills").fetchone()[0]


def check_names(one):
    """Orders and executions have the names that the venue gave them."""
    asked = one.client().get_executions(category="linear", symbol=SYMBOL, limit=100)
    theirs = {row["execId"]: row for row in asked["result"]["list"]}
    with sqlite3.connect(one.path / "data" / "mmbot.db") as db:
        fills = db.execute(
            "SELECT f.exec_id, o.venue_order_id, f.cid FROM fills f JOIN orders o USING (cid)"
        ).fetchall()
        named = db.execute("SELECT count(*) FROM ledger_entries WHERE kind = 'trade'").fetchone()
        marked = db.execute(
            "SELECT count(*) FROM fill_markouts WHERE exec_id NOT IN (SELECT exec_id FROM fills)"
        ).fetchone()
    assert fills
    if len(theirs) < 100:
        assert {exec_id for exec_id, _, _ in fills} == set(theirs)
    for exec_id, order_id, cid in fills:
        if exec_id in theirs:
            row = theirs[exec_id]
            # an order that is filled at once is never told to rest
            assert (order_id or row["orderId"], cid) == (row["orderId"], row["orderLinkId"])
    assert any(order_id for _, order_id, _ in fills)
    assert (named[0], marked[0]) == (len(fills), 0)


def fills_in_journal(one, journal):
    told = one.records(journal, "report")
    return [record for record in told if record["report"] == "filled"]


@pytest.mark.spec("01-9.1", "08-5.3", "05-13", "05-5", "09-3")
def test_a_session_leaves_its_market_its_orders_its_books_and_its_reports(tmp_path):
    with world(tmp_path, "--regime", "volatile") as one:
        done = one.run("--duration", "15s")
        assert done.returncode == 0, done.stderr
        (journal,) = one.journals()
        check_catalog(one)
        fills = fills_in_journal(one, journal)
        assert fills
        for stream in ("orders", "fills"):
            places = one.path.glob(
                f"data/research/{stream}/venue={VENUE}/symbol={SYMBOL}/*/*.parquet"
            )
            assert list(places), stream
        assert f"fills={len(fills)} |" in done.stderr
        assert list(one.path.glob(f"data/research/summaries/{SYMBOL}/*.json"))
        assert fills_in_sql(one) == len(fills)
        check_names(one)
        assert one.mmbot("db", "verify").returncode == 0
        lines = (one.path / "artifacts" / "audit.jsonl").read_bytes().splitlines()
        verdict = verify(lines)
        assert (verdict.checked > 0, verdict.broken) == (True, 0)
        (state,) = one.states()
        net_usd = state["symbols"][0]["net_pnl_usd"]
        metrics, edge = artifact(one, "metrics.json"), artifact(one, "EDGE_REPORT.json")
        assert metrics["runtime"]["mode"] == edge["runtime"]["mode"] == "live"
        assert metrics["pnl"]["total_usd"] == pytest.approx(net_usd, abs=1e-6)
        assert edge["totals"]["fills"] == len(fills)
        turnover = edge["totals"]["turnover_usd"]
        assert edge["totals"]["net_bps"] * turnover / 1e4 == pytest.approx(net_usd, abs=1e-4)
        assert metrics["turnover"]["total_usd"] == pytest.approx(turnover)
        assert "| edge net " in done.stdout
        assert "ended because its duration was over" in done.stdout
        page = (one.path / "artifacts" / "RUN_REPORT.html").read_text(encoding="ascii")
        assert "<svg" in page
        assert all(is_replay_ok(line) for line in one.replays())
        check_comparison(one, journal, len(fills))
        assert one.mmbot("audit", "verify").stdout == "AUDIT_VERIFY=OK\n"
        done = one.mmbot("ops", "export-metrics", "--from", str(journal), "--out", "again.json")
        assert done.returncode == 0, done.stderr
        again = json.loads((one.path / "again.json").read_bytes())
        for name in ("usd", "realized_usd"):
            assert again["pnl"][name] == pytest.approx(metrics["pnl"][name], abs=1e-6)
        assert again["turnover"]["usd"] == pytest.approx(metrics["turnover"]["usd"])


def check_comparison(one, journal, fills):
    for more in ((), ("--data", "data/research")):
        found = one.mmbot("compare", str(journal), "--json", *more)
        assert found.returncode == 0, found.stderr
        document = json.loads(found.stdout)
        assert document["mode"] == "live"
        assert sum(document["parts_usd"].values()) == pytest.approx(document["gap_usd"], abs=1e-9)
        gap_usd = document["session_usd"] - document["simulated_usd"]
        assert document["gap_usd"] == pytest.approx(gap_usd, abs=1e-9)
        counts = document["counts"]
        assert counts["pairs"] > 0
        assert counts["session_fills"] == fills
        # the served exchange takes its time, the simulated one without a calibration takes none
        latency = document["latency_ms"]
        assert latency["session"]["place"]["mean"] > latency["simulated"]["place"]["mean"]
        if not more:
            assert document["parts_usd"]["market_data"] == 0
        # the fees of the account are in the parameters, so that none are left to explain
        assert document["parts_usd"]["fees"] == pytest.approx(0, abs=1e-9)


@pytest.mark.spec("01-9.1", "08-5.4", "02-13/4")
def test_a_kill_loses_a_second_of_frames_at_most_and_no_fill(tmp_path):
    with world(tmp_path, "--regime", "volatile") as one:
        session = one.start()
        until(lambda: one.is_trading(session))
        (journal,) = one.journals()
        until(lambda: fills_in_journal(one, journal))
        session.send_signal(signal.SIGKILL)
        at_ns = wall_ns()
        session.communicate()
        first = frames_of(research_of(one))
        assert at_ns - first[-1].recv_ns < NS_PER_SEC
        done = one.run("--duration", "8s")
        assert done.returncode == 0, done.stderr
        assert "the last recording was killed" in done.stderr
        found = frames_of(research_of(one))
        assert found[: len(first)] == first
        mark = found[len(first)]
        assert mark.kind is FrameKind.GAP
        assert json.loads(mark.data) == {"reason": "restart", "since_ns": first[-1].recv_ns}
        assert len(found) > len(first) + 20
        check_catalog(one)
        fills = fills_in_journal(one, journal)
        assert fills_in_sql(one) == len(fills)
        assert one.mmbot("db", "verify").returncode == 0
        # the report is about the whole session, not about the process
        assert artifact(one, "EDGE_REPORT.json")["totals"]["fills"] == len(fills)
        assert all(is_replay_ok(line) for line in one.replays())


@pytest.mark.spec("02-13/4", "08-5.4")
def test_a_killed_session_goes_on_from_its_newest_checkpoint(tmp_path):
    with world(tmp_path, "--regime", "volatile", sets=("journal.snapshot_interval_s=1",)) as one:
        session = one.start("--no-store")
        until(lambda: one.is_trading(session))
        (journal,) = one.journals()
        until(lambda: len(one.records(journal, "state_hash")) >= 4)
        until(one.open_orders)
        session.send_signal(signal.SIGKILL)
        session.communicate()
        newest = one.records(journal, "state_hash")[-1]["seq"]
        done = one.run("--duration", "4s", "--no-store")
        assert done.returncode == 0, done.stderr
        found = re.search(r"\| session \| RESUMED \| session=(\S+) from_seq=(\d+) \|", done.stderr)
        assert found is not None, done.stderr
        assert found[1] == journal.name
        # the machine may have taken the newest one with it, which is written after its record
        assert 0 < int(found[2]) <= newest
        later = [record for record in one.records(journal, "intent") if record["seq"] > newest]
        assert any(record["action"] == "place" for record in later)
        assert one.open_orders() == []
        assert one.states()[0]["symbols"][0]["position"] == pytest.approx(one.position())
        assert all(is_replay_ok(line) for line in one.replays())


@pytest.mark.spec("01-9.1", "02-14")
def test_a_shadow_session_records_too_and_ships_into_an_account_of_its_own(tmp_path):
    # a loop that never sleeps leaves the threads that record and ship their turn
    with world(tmp_path, "--regime", "volatile", sets=("runtime.busy_poll=true",)) as one:
        session = one.start_shadow()
        until(lambda: one.is_trading(session))
        (journal,) = one.journals()
        until(lambda: one.records(journal, "intent"))
        code, out, err = interrupt(session)
        assert code == 0, err
        check_catalog(one)
        assert "| shadow | OK | orders=" in out
        assert artifact(one, "EDGE_REPORT.json")["runtime"]["mode"] == "shadow"
        with sqlite3.connect(one.path / "data" / "mmbot.db") as db:
            ((venue, mode),) = db.execute("SELECT venue, mode FROM sessions").fetchall()
        assert (venue, mode) == (f"shadow:{journal.name}", "shadow")


def test_what_is_not_wanted_is_not_left_but_the_journal_is_no_choice(tmp_path):
    with world(tmp_path) as one:
        refused = one.run("--duration", "2s", "--no-journal")
        assert refused.returncode == 1
        assert "E_CFG_CONFLICT: --no-journal" in refused.stderr
        done = one.run("--duration", "3s", "--no-record", "--no-store", "--out", "reports")
        assert done.returncode == 0, done.stderr
        assert not (one.path / "data" / "research").exists()
        assert not (one.path / "data" / "mmbot.db").exists()
        assert (one.path / "reports" / "EDGE_REPORT.json").exists()
        assert len(one.journals()) == 1


def test_a_recorder_beside_it_is_no_reason_not_to_trade(tmp_path):
    with world(tmp_path) as one:
        words = ("record", "--venue", "bybit", "--endpoint", one.venue.rest, "--symbol", SYMBOL)
        recorder = start_command(tmp_path, *words)
        one.started.append(recorder)
        until(lambda: frames_of(research_of(one)))
        done = one.run("--duration", "6s")
        assert done.returncode == 0, done.stderr
        assert "| recorder | WARN | the market is not recorded: E_REC_WRITE" in done.stderr
        assert one.records(one.journals()[0], "intent")
        recorder.send_signal(signal.SIGTERM)
        assert ended(recorder)[0] == 0


@pytest.mark.spec("08-5.4")
def test_a_store_that_falls_behind_stops_quoting_until_it_has_caught_up(tmp_path):
    with world(tmp_path, "--regime", "volatile", sets=("storage.max_lag_records=1000",)) as one:
        assert one.mmbot("db", "upgrade").returncode == 0
        session = one.start_quoting()
        (journal,) = one.journals()
        blocker = sqlite3.connect(one.path / "data" / "mmbot.db", isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        until(lambda: [hold["on"] for hold in one.records(journal, "hold")] == [True])
        until(lambda: not one.open_orders())
        # the state file is written once a second
        until(
            lambda: any(text.startswith("store: E_STORE_LAG") for text in one.states()[0]["holds"])
        )
        blocker.execute("ROLLBACK")
        blocker.close()
        until(lambda: [hold["on"] for hold in one.records(journal, "hold")] == [True, False])
        until(one.open_orders)
        code, out, err = interrupt(session)
        assert code == 0, err
        assert "| store | ERROR | E_STORE_LAG" in err
        assert "| store | OK | over |" in err
        assert "| store | LAG |" not in out
        assert fills_in_sql(one) == len(fills_in_journal(one, journal))
        assert all(is_replay_ok(line) for line in one.replays())


def fill_disk(session, journal):
    """The file size limit of a process makes write(2) fail as a full disk does; what it was."""
    _, hard = resource.prlimit(session.pid, resource.RLIMIT_FSIZE)
    size = (journal / "0.mmj").stat().st_size
    resource.prlimit(session.pid, resource.RLIMIT_FSIZE, (size, hard))
    return hard


@pytest.mark.spec("08-5.4")
def test_a_disk_that_takes_nothing_more_stops_quoting_and_not_the_cancels(tmp_path):
    with world(tmp_path, "--regime", "volatile") as one:
        session = one.start_quoting()
        (journal,) = one.journals()
        hard = fill_disk(session, journal)
        until(lambda: not one.open_orders())
        until(lambda: any(text.startswith("journal: ") for text in one.states()[0]["holds"]))
        assert one.open_orders() == []
        resource.prlimit(session.pid, resource.RLIMIT_FSIZE, (hard, hard))
        until(lambda: [hold["on"] for hold in one.records(journal, "hold")] == [True, False])
        until(one.open_orders)
        code, _, err = interrupt(session)
        assert code == 0, err
        assert "| journal | ERROR | E_STORE_DISK" in err
        assert "| journal | OK | it is written again |" in err
        assert one.open_orders() == []
        assert one.states()[0]["symbols"][0]["position"] == pytest.approx(one.position())
        assert fills_in_sql(one) == len(fills_in_journal(one, journal))
        assert one.mmbot("db", "verify").returncode == 0
        assert all(is_replay_ok(line) for line in one.replays())
        assert any(json.loads(f.data).get("reason") == "storage" for f in gaps_of(one))


@pytest.mark.spec("08-5.4", "09-1")
def test_a_stop_on_a_full_disk_cancels_and_the_next_start_goes_on(tmp_path):
    with world(tmp_path, "--regime", "volatile") as one:
        session = one.start_quoting()
        (journal,) = one.journals()
        fill_disk(session, journal)
        until(lambda: any(text.startswith("journal: ") for text in one.states()[0]["holds"]))
        code, _, err = interrupt(session)
        assert code == 1
        assert "| stop | VERIFIED | left=0 |" in err
        assert "E_STORE_DISK" in err.splitlines()[-1]
        assert one.open_orders() == []
        done = one.run("--duration", "5s")
        assert done.returncode == 0, done.stderr
        assert "| session | RESUMED |" in done.stderr
        assert one.states()[0]["symbols"][0]["position"] == pytest.approx(one.position())
        assert fills_in_sql(one) == len(fills_in_journal(one, journal))
        assert one.mmbot("db", "verify").returncode == 0
        assert all(is_replay_ok(line) for line in one.replays())


def gaps_of(one):
    return [frame for frame in frames_of(research_of(one)) if frame.kind is FrameKind.GAP]
