import json

import pytest
from tests.unit.market.catalogs import MIDNIGHT_NS, SYMBOL, VENUE, level, series, table

from mmbot.errors import MarketDataError
from mmbot.market import imports
from mmbot.market.catalog import read_info
from mmbot.market.imports import commit, read_manifest, recover, remove_leftovers
from mmbot.market.parts import Root
from mmbot.market.schema import BookKind
from mmbot.market.writer import StreamWriter
from mmbot.units import NS_PER_HOUR

SHA = "ab" * 32
SOURCE = {"name": "capture.gz", "sha256": SHA, "size_bytes": 3, "format": "test"}
ENTRY = {f"{VENUE}/{SYMBOL}": {"rows": {"book": 3}, "clock_offset_ns": 0}}


class Killed(BaseException):
    """The process is gone; nothing of it may catch this."""


def finished(root, hours=3):
    """Complete files of three hours that are no parts yet."""
    writer = StreamWriter(root, series(), "book", tag=SHA[:16])
    times = [MIDNIGHT_NS + hour * NS_PER_HOUR for hour in range(hours)]
    writer.write(table("book", [level(ts, ts, 1, BookKind.DELTA, 0, 5, 1) for ts in times]))
    return writer.finish()


def visible(tmp_path):
    infos = read_info(tmp_path)
    return sum(info.rows for info in infos)


def test_a_commit_makes_all_parts_visible_and_remembers_the_source(tmp_path):
    root = Root(tmp_path)
    parts = finished(root)
    assert visible(tmp_path) == 0
    commit(root, parts, source=SOURCE, series=ENTRY)
    assert visible(tmp_path) == 3
    manifest = read_manifest(root, SHA)
    assert manifest is not None
    assert manifest["source"] == SOURCE
    assert manifest["series"] == ENTRY
    assert [part["path"][-17:] for part in manifest["parts"]] == [
        "part-00-0.parquet",
        "part-01-0.parquet",
        "part-02-0.parquet",
    ]
    assert not list(tmp_path.rglob("*.tmp"))
    assert not list(tmp_path.rglob("*.commit"))


def test_a_later_import_of_other_symbols_joins_the_manifest(tmp_path):
    root = Root(tmp_path)
    commit(root, finished(root), source=SOURCE, series=ENTRY)
    commit(root, [], source=SOURCE, series={"test/XYZ": {"rows": {}, "clock_offset_ns": 5}})
    manifest = read_manifest(root, SHA)
    assert manifest is not None
    assert sorted(manifest["series"]) == ["test/ABC", "test/XYZ"]
    assert len(manifest["parts"]) == 3


# Publishing happens for the commit record, three parts and the manifest.
@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_killed_at_any_step_it_is_imported_once_or_not_at_all(tmp_path, monkeypatch, step, late):
    root = Root(tmp_path)
    parts = finished(root)
    publish, calls = imports.publish, []

    def dying(*args):
        calls.append(args)
        if len(calls) > step:
            if late:
                publish(*args)
            raise Killed
        publish(*args)

    monkeypatch.setattr(imports, "publish", dying)
    with pytest.raises(Killed):
        commit(root, parts, source=SOURCE, series=ENTRY)
    monkeypatch.undo()

    committed = step > 0 or late
    assert recover(root) == (1 if committed else 0)
    assert recover(root) == 0
    assert visible(tmp_path) == (3 if committed else 0)
    assert (read_manifest(root, SHA) is not None) == committed
    if not committed:
        assert remove_leftovers(root, SHA[:16], [(VENUE, SYMBOL)]) == 3
        commit(root, finished(root), source=SOURCE, series=ENTRY)
        assert visible(tmp_path) == 3


def test_a_committed_part_that_vanished_is_damage(tmp_path, monkeypatch):
    root = Root(tmp_path)
    parts = finished(root)
    monkeypatch.setattr(imports, "_apply", lambda *_: None)
    commit(root, parts, source=SOURCE, series=ENTRY)
    monkeypatch.undo()
    (tmp_path / parts[1].temp).unlink()
    with pytest.raises(MarketDataError, match=r"E_MD_FRAME: file=.*part-01-0\.parquet row=0"):
        recover(root)


def test_a_damaged_manifest_is_named(tmp_path):
    root = Root(tmp_path)
    commit(root, finished(root), source=SOURCE, series=ENTRY)
    path = tmp_path / "_imports" / f"{SHA}.json"
    assert json.loads(path.read_bytes())["schema"] == 1
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(MarketDataError, match=rf"E_MD_FRAME: file=_imports/{SHA}\.json"):
        read_manifest(root, SHA)


def test_leftovers_of_other_imports_stay(tmp_path):
    root = Root(tmp_path)
    finished(root)
    assert remove_leftovers(root, "other", [(VENUE, SYMBOL)]) == 0
    assert len(list(tmp_path.rglob("*.tmp"))) == 3
