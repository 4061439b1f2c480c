"""Sessions that ended before they traded leave a counter and a line."""

import json

import pytest

from mmbot.errors import StoreError, VenueError
from mmbot.trading.live.start_failures import note_start_failure, read_start_failures


@pytest.fixture
def artifacts(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTIFACTS_DIR", str(tmp_path))
    return tmp_path


REFUSED = VenueError("E_VENUE_CALL", "op=query symbol=-", "invalid key", detail="10003")
DAMAGED = StoreError("E_STORE_JOURNAL", "file=0.mmj", "is damaged")


def test_each_is_counted_by_its_code_and_has_a_line(artifacts):
    assert read_start_failures().counts == {}
    said: list[str] = []
    for error in (REFUSED, DAMAGED, REFUSED):
        note_start_failure(error, said.append)
    found = read_start_failures()
    assert found.counts == {"E_VENUE_CALL:10003": 2, "E_STORE_JOURNAL": 1}
    assert found.newest == str(REFUSED)
    assert found.newest_ns > 0
    lines = (artifacts / "audit.jsonl").read_bytes().splitlines()
    fields = [json.loads(line)["fields"] for line in lines]
    assert [one["detail"] for one in fields] == [
        "E_VENUE_CALL:10003",
        "E_STORE_JOURNAL",
        "E_VENUE_CALL:10003",
    ]
    assert fields[2]["name"] == "start_failed"
    assert fields[2]["total"] == 2
    assert said == []


def test_a_file_that_is_none_counts_for_nothing(artifacts):
    (artifacts / "START_FAILURES.json").write_text("{", encoding="ascii")
    assert read_start_failures().counts == {}
    assert note_start_failure(DAMAGED, print).counts == {"E_STORE_JOURNAL": 1}


def test_codes_that_a_venue_makes_up_do_not_grow_it_for_ever(artifacts):
    for code in range(110):
        found = note_start_failure(
            VenueError("E_VENUE_CALL", "op=query", "no", detail=str(code)), print
        )
    assert len(found.counts) == 100
    assert found.newest == "E_VENUE_CALL:109: op=query no"
