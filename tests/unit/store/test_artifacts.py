import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmbot.errors import StoreError
from mmbot.store import artifacts
from mmbot.store.artifacts import (
    append_jsonl,
    open_atomic,
    remove_stale_temp_files,
    write_bytes,
    write_json,
    write_text,
)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_write_creates_parents_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "a" / "b" / "REPORT.json"
    write_json(target, {"x": 1})
    assert target.read_bytes() == b'{"x":1}\n'
    assert names(target.parent) == ["REPORT.json"]


def test_three_writes_give_the_same_bytes(tmp_path):
    report = {"b": 1 / 3, "a": [{"z": -0.0, "y": "\u00e9"}]}
    contents = set()
    for i in range(3):
        write_json(tmp_path / f"{i}.json", report)
        contents.add((tmp_path / f"{i}.json").read_bytes())
    assert len(contents) == 1


def test_text_is_written_canonically(tmp_path):
    write_text(tmp_path / "r.md", "| a |\r\n")
    assert (tmp_path / "r.md").read_bytes() == b"| a |\n"


@pytest.mark.parametrize("obj", [{"x": float("nan")}, {"x": object()}])
def test_bad_value_leaves_the_earlier_file(tmp_path, obj):
    target = tmp_path / "r.json"
    write_json(target, {"x": 1})
    with pytest.raises(StoreError):
        write_json(target, obj)
    assert target.read_bytes() == b'{"x":1}\n'
    assert names(tmp_path) == ["r.json"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_full_disk_leaves_the_earlier_file_and_no_temporary(tmp_path, monkeypatch, step):
    target = tmp_path / "r.json"
    write_json(target, {"x": 1})

    def refuse(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), refuse)
    with pytest.raises(StoreError) as caught:
        write_json(target, {"x": 2})
    assert caught.value.code == "E_STORE_DISK"
    assert str(target) in caught.value.key
    assert target.read_bytes() == b'{"x":1}\n'
    assert names(tmp_path) == ["r.json"]


def test_interrupt_leaves_the_earlier_file_and_no_temporary(tmp_path):
    target = tmp_path / "r.bin"
    write_bytes(target, b"old")
    with pytest.raises(KeyboardInterrupt), open_atomic(target) as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["r.bin"]


def test_parent_that_is_a_file_is_a_disk_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        write_json(tmp_path / "file" / "r.json", {})
    assert caught.value.code == "E_STORE_DISK"


def test_error_about_another_file_is_not_blamed_on_the_target(tmp_path):
    with pytest.raises(FileNotFoundError), open_atomic(tmp_path / "r.bin"):
        (tmp_path / "elsewhere").read_bytes()
    assert names(tmp_path) == []


def test_reader_never_sees_a_half_written_file_even_when_the_writer_is_killed(tmp_path):
    target = tmp_path / "r.json"
    script = (
        "import sys\nfrom mmbot.store.artifacts import write_json\n"
        "i = 0\nwhile True:\n    i += 1\n"
        "    write_json(sys.argv[1], {'i': i, 'pad': 'x' * 200_000})\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", script, str(target)])
    seen = 0
    try:
        give_up = time.monotonic() + 30  # noqa: TID251 - a bound on the test, nothing measured
        while seen < 20 and time.monotonic() < give_up:  # noqa: TID251
            if target.exists():
                assert len(json.loads(target.read_bytes())["pad"]) == 200_000
                seen += 1
    finally:
        writer.kill()
        writer.wait()
    assert seen == 20
    assert len(json.loads(target.read_bytes())["pad"]) == 200_000


def test_lines_are_appended(tmp_path):
    log = tmp_path / "logs" / "audit.jsonl"
    append_jsonl(log, {"n": 1})
    append_jsonl(log, {"n": 2})
    assert log.read_bytes() == b'{"n":1}\n{"n":2}\n'


def test_line_cut_short_by_a_crash_costs_only_itself(tmp_path):
    log = tmp_path / "audit.jsonl"
    log.write_bytes(b'{"n":1}\n{"n":')
    append_jsonl(log, {"n": 3})
    assert log.read_bytes().splitlines() == [b'{"n":1}', b'{"n":', b'{"n":3}']


def test_only_temporary_files_of_dead_processes_are_removed(tmp_path, monkeypatch):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    hours_ago = time.time() - 7_200  # noqa: TID251 - file times are wall times
    old = {
        "r.json.tmp.notapid.ab": False,
        f"r.json.tmp.{os.getpid()}.ab": False,
        f"r.json.tmp.{dead.pid}.ab": True,
        "r.json": False,
    }
    (tmp_path / "deep").mkdir()
    for name in old:
        path = tmp_path / "deep" / name
        path.write_bytes(b"")
        os.utime(path, (hours_ago, hours_ago))
    young = tmp_path / f"r.json.tmp.{dead.pid}.cd"
    young.write_bytes(b"")
    assert remove_stale_temp_files(tmp_path) == 1
    assert names(tmp_path / "deep") == sorted(name for name, goes in old.items() if not goes)
    assert young.exists()


def test_replace_is_retried_where_scanners_hold_files(tmp_path, monkeypatch):
    calls = []
    replace = Path.replace

    def busy_twice(self, target):
        calls.append(target)
        if len(calls) < 3:
            raise PermissionError
        return replace(self, target)

    monkeypatch.setattr(artifacts, "_ON_WINDOWS", True)
    monkeypatch.setattr(artifacts, "sleep_ns", lambda _: None)
    monkeypatch.setattr(Path, "replace", busy_twice)
    write_bytes(tmp_path / "r.bin", b"x")
    assert len(calls) == 3
    assert (tmp_path / "r.bin").read_bytes() == b"x"
