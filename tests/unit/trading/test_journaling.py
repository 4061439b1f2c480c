"""Ids of sessions, headers of journals, and bytes from the engine to the disk."""

import json
import uuid
from typing import Any

import pytest
from tests.unit.trading.written_sessions import load

from mmbot import core
from mmbot.errors import ConfigError, StoreError
from mmbot.store.journal import JournalWriter
from mmbot.trading.identity import SessionIdentity, new_session_id
from mmbot.trading.journaling import SessionJournal, journal_header


def test_session_ids_are_uuids_that_no_journal_has(tmp_path, monkeypatch):
    monkeypatch.delenv("MM_FREEZE_UTC", raising=False)
    monkeypatch.delenv("MM_FREEZE_UTC_ISO", raising=False)
    one, two = new_session_id(tmp_path, "abc"), new_session_id(tmp_path, "abc")
    assert str(uuid.UUID(one)) == one
    assert one != two


def test_with_a_frozen_clock_equal_sessions_have_equal_ids(tmp_path, monkeypatch):
    monkeypatch.setenv("MM_FREEZE_UTC", "1")
    first = new_session_id(tmp_path, "abc")
    assert new_session_id(tmp_path, "abc") == first
    assert new_session_id(tmp_path, "abd") != first
    (tmp_path / first).mkdir()
    assert new_session_id(tmp_path, "abc") != first


@pytest.mark.spec("02-5.1")
def test_the_header_names_the_bot_the_session_and_the_layers(tmp_path, monkeypatch):
    monkeypatch.setenv("MM_FREEZE_UTC", "1")
    loaded = load(("BTCUSDT",), ("strategy.skew_coeff=0.2", "journal.snapshot_interval_s=30"))
    monkeypatch.chdir(tmp_path)
    identity = SessionIdentity.of(loaded.config, ["BTCUSDT"])
    header = journal_header(loaded, identity, mode="sim", seed=9)
    assert (header["session_id"], header["cid_prefix"]) == (identity.session, identity.cid_prefix)
    assert header["cid_prefix"].startswith("mm")
    assert header["cid_prefix"].endswith("-")
    assert len(header["cid_prefix"]) == 2 + 4 + 8 + 1
    (tmp_path / loaded.config.storage.journal_dir / identity.session).mkdir(parents=True)
    other = SessionIdentity.of(loaded.config, ["BTCUSDT"])
    assert other.cid_prefix[:6] == identity.cid_prefix[:6]
    assert other.cid_prefix != identity.cid_prefix
    sources = json.loads(header["config"])["sources"]
    assert sources["strategy.skew_coeff"] == "cli"
    assert "default" not in sources.values()
    assert header["hash_every_ns"] == 30_000_000_000
    assert (header["ts_ns"], header["seed"], header["mode"]) == (0, 9, "sim")


class Engine:
    """Has one record at each call."""

    def __init__(self):
        self.framer = core.JournalFramer()
        self.pushed = 0

    def take_journal(self):
        self.framer.push({"kind": "note", "ts_ns": self.pushed, "text": "x"})
        self.pushed += 1
        return self.framer.take()

    def take_checkpoints(self):
        return []


@pytest.mark.spec("08-5.4")
def test_what_the_engine_wrote_is_on_the_disk_before_it_is_given_anything_new(tmp_path):
    writer = JournalWriter(tmp_path, "s", fsync_ms=0)
    journal = SessionJournal(writer, "mmx-")
    engine: Any = Engine()
    chunk: Any = None
    journal.on_chunk(0, chunk)
    assert writer.next_seq == 0, "nothing has begun"
    journal.begin(engine, 0)
    journal.on_chunk(0, chunk)
    journal.step(engine, 0, ())
    assert writer.next_seq == engine.pushed == 3
    with pytest.raises(ConfigError, match="ORDER_ID"):
        journal.explain("mmother-1")
    journal.close(engine, 0, ())
    assert (tmp_path / "s" / "0.mmj").stat().st_size > 0


class WithoutRoom(Engine):
    """Has a checkpoint that cannot be written."""

    def take_checkpoints(self):
        raise StoreError("E_STORE_DISK", "file=0.mms", "cannot be used: no space left")


@pytest.mark.spec("09-2")
def test_a_session_goes_on_without_a_checkpoint(tmp_path, capsys):
    writer = JournalWriter(tmp_path, "s", fsync_ms=0)
    journal = SessionJournal(writer, "mmx-")
    engine: Any = WithoutRoom()
    journal.begin(engine, 0)
    journal.step(engine, 0, ())
    journal.close(engine, 0, ())
    assert engine.pushed == 3
    assert "E_STORE_DISK" in "".join(capsys.readouterr())
