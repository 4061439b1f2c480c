"""A live session that is killed again and again goes on where the venue is, and soon.

`--kill-points` says how often, `--kill-seed` when, `--kill-report` takes a file for the figures;
with `--kill-seconds` the 99th percentile of the time until a new process quotes, without that in
which the machine gave it no processor, has that bound. Nothing else here depends on time.
"""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from tests.e2e.kill_judge import Judge, asked_once
from tests.e2e.killing import ALWAYS_QUOTING, Life, Session, load_average, percentiles
from tests.e2e.live_world import is_replay_ok, world
from tests.fault_rows import LEAVES

from mmbot.units import NS_PER_SEC

_SLOWEST = 3

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]


def kill_again_and_again(session, judge, points):
    """`points` kills; how long the lives that quoted took, and how many kills of which kind."""
    kinds: Counter[str] = Counter()
    lives: list[Life] = []
    life = session.begin()
    session.quote(life)
    for number in range(points):
        kind, _ = ("trading", life.kill()) if number == 0 else session.live_and_die(life)
        kinds[kind] += 1
        lives.append(life)
        kept = judge.keep(session.journal, number)
        life = session.begin()
        # the new process is still loading: nothing of it has reached the venue
        account = judge.ask()
        judge.judge(kept, account)
    session.quote(life)
    return [*lives, life], kinds


def check_end(one, session, judge, life):
    code, said = session.end(life)
    assert code == 0, said
    assert one.open_orders() == []
    assert asked_once(session.journal) > 0
    account = judge.ask()
    assert account.position == sum(done.lots for done in account.executions.values())
    assert session.position_lots() == account.position
    lines = one.replays()
    assert len(lines) == 1
    assert is_replay_ok(lines[0]), lines


def check_recovered(life):
    """Nothing of the session's own was unknown to it, and its fills are the venue's position."""
    assert (life.recovery["canceled"], life.recovery["mismatches"]) == (0, []), life.said


def figures(lives, kinds, judge):
    """What was measured; the first life is that of a new session."""
    quoted = [life for life in lives[1:] if life.quoting_ns is not None]
    for life in quoted:
        check_recovered(life)
    return {
        "points": sum(kinds.values()),
        "kinds": dict(kinds),
        "reconciled_sec": percentiles([one.reconciled_ns - one.spawned_ns for one in quoted]),
        "quoting_sec": percentiles([one.quoting_ns - one.spawned_ns for one in quoted]),
        "unstalled_sec": percentiles([unstalled_ns(one) for one in quoted]),
        "measured": len(quoted),
        "torn_records": judge.torn,
        "resting": judge.resting,
        "missed_fills": judge.unheard,
        "fills_added": sum(one.recovery["fills_added"] for one in quoted),
        "load_average": round(load_average(), 1),
        "slowest": [about(life) for life in sorted(quoted, key=unstalled_ns)[-_SLOWEST:]],
    }


def unstalled_ns(life):
    return life.quoting_ns - life.spawned_ns - life.stalled_ns


def about(life):
    times_ns = {
        "reconciled_sec": life.reconciled_ns - life.spawned_ns,
        "quoting_sec": life.quoting_ns - life.spawned_ns,
        "unstalled_sec": unstalled_ns(life),
    }
    said = {"spawned_ns": life.spawned_ns, "said": life.said}
    return {name: value / NS_PER_SEC for name, value in times_ns.items()} | said


def as_line(found):
    def shown(name):
        return " ".join(f"{key}={value:.2f}" for key, value in found[name].items())

    about = [f"{key}={value}" for key, value in found.items() if isinstance(value, int | float)]
    timed = [f"{name} {shown(name)}" for name in ("reconciled_sec", "quoting_sec", "unstalled_sec")]
    return " ".join(["kills", *about, *timed])


@pytest.mark.spec("02-13/4")
def test_a_killed_session_goes_on_where_the_venue_is(tmp_path, request, record_property):
    """Killed at random moments; the next one books what it missed, adopts what rests, quotes."""
    option = request.config.getoption
    rng = random.Random(option("--kill-seed"))
    # a venue lets nobody connect anew every second for long
    serve = ("--regime", "volatile", "--seed", str(option("--kill-seed")), "--no-limits")
    with world(tmp_path, *serve, sets=ALWAYS_QUOTING) as one:
        session, judge = Session(one, rng), Judge(one)
        lives, kinds = kill_again_and_again(session, judge, option("--kill-points"))
        found = figures(lives, kinds, judge)
        record_property("figures", as_line(found))
        if option("--kill-report"):
            Path(option("--kill-report")).write_text(json.dumps(found, indent=2) + "\n")
        check_end(one, session, judge, lives[-1])
        one.leaves(*LEAVES[12])
    bound_sec = option("--kill-seconds")
    assert bound_sec is None or found["unstalled_sec"]["p99"] <= bound_sec, as_line(found)


def test_a_session_that_goes_on_without_its_store_recovers_and_ends_in_order(tmp_path):
    with world(tmp_path, sets=ALWAYS_QUOTING) as one:
        session = Session(one, random.Random(1))
        life = session.begin()
        session.quote(life)
        life.kill()
        for path in (tmp_path / "data").glob("mmbot.db*"):
            path.unlink()
        (tmp_path / "data" / "mmbot.db").write_bytes(b"no database" * 1000)
        life = session.begin()
        session.quote(life)
        life.leave()
        assert life.process.returncode == 1
        assert any("E_STORE_SQL" in line for line in life.said), life.said
        check_recovered(life)
        assert one.open_orders() == []
        lines = one.replays()
        assert is_replay_ok(lines[0]), lines
