"""An import that is killed at any moment goes on where it stopped; nothing is lost or doubled."""

import json
import signal
import subprocess
import sys
import textwrap

import pytest
from tests.unit.market.importers.captures import (
    T0_MS,
    binance_lines,
    bybit_lines,
    write_lines,
)

from mmbot.market.catalog import read_events, read_info
from mmbot.market.importers.job import ImportOptions, import_files
from mmbot.market.importers.recording import RecordingImport
from mmbot.market.verify import verify_catalog
from mmbot.units import NS_PER_MS

# Kills its own process, as nothing else can be killed at an exact point, before call number STEP of
# one of the functions that touch the disk.
CHILD = textwrap.dedent(
    """
    import os, signal, sys
    from mmbot.market import imports
    from mmbot.market.importers import recording
    from mmbot.market.importers.job import ImportOptions, import_files
    from mmbot.market.writer import StreamWriter

    target, step, out, *files = sys.argv[1:]
    calls = 0

    def dying(function):
        def call(*args, **options):
            global calls
            if calls == int(step):
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1
            return function(*args, **options)
        return call

    if target == "publish":
        imports.publish = dying(imports.publish)
    elif target == "commit":
        recording.commit = dying(recording.commit)
    else:
        StreamWriter.write = dying(StreamWriter.write)
    import_files(files, ImportOptions(out=out))
    print("finished")
    """
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("captures")
    later_ns = (T0_MS + 300) * NS_PER_MS
    return [
        str(write_lines(directory / "1.gz", binance_lines(100, 300, snapshot=True))),
        str(
            write_lines(
                directory / "2.gz", binance_lines(400, 300, snapshot=False, first_ns=later_ns)
            )
        ),
        str(write_lines(directory / "3.data", bybit_lines(200))),
    ]


def content(root):
    """Every event of every symbol, and the rows by symbol."""
    events = {}
    for info in read_info(root):
        chunks = read_events(root, symbol=info.symbol, venue=info.venue, prefetch=False)
        arrays = [
            {name: column.tolist() for name, column in chunk.to_arrays().items()}
            for chunk in chunks
        ]
        events[info.venue, info.symbol] = {
            name: [value for a in arrays for value in a[name]] for name in arrays[0]
        }
    return events


@pytest.fixture(scope="module")
def expected(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "catalog"
    import_files(files, ImportOptions(out=out))
    found = content(out)
    assert {key: len(rows["px"]) > 300 for key, rows in found.items()} == {
        ("binance-spot", "ABCUSDT"): True,
        ("bybit", "ABCUSDT"): True,
    }
    return found


def run_child(target, step, out, files):
    return subprocess.run(
        [sys.executable, "-c", CHILD, target, str(step), str(out), *files],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "step"),
    [
        ("write", 1),
        ("write", 3),
        ("commit", 0),
        ("commit", 1),
        ("publish", 1),
        ("publish", 3),
        ("publish", 6),
        ("publish", 9),
    ],
)
def test_killed_and_run_again_it_is_as_if_nothing_happened(tmp_path, files, expected, target, step):
    out = tmp_path / "catalog"
    child = run_child(target, step, out, files)
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert "finished" not in child.stdout
    before = sum(info.rows for info in read_info(out))
    whole = sum(len(rows["px"]) for rows in expected.values())
    assert before < whole
    report = import_files(files, ImportOptions(out=out))
    assert content(out) == expected
    assert not list(out.rglob("*.tmp"))
    assert not list(out.rglob("*.commit"))
    assert verify_catalog(out).ok
    assert import_files(files, ImportOptions(out=out)).totals["skipped"] == 3
    assert report.totals["quarantined"] == 0


def test_interrupted_by_hand_it_leaves_no_temporary_file(tmp_path, files, expected, monkeypatch):
    out = tmp_path / "catalog"
    overlap, checked = RecordingImport._check_overlap, []

    def interrupted(self, source, parts):
        checked.append(source.path)
        if len(checked) == 3:
            raise KeyboardInterrupt
        overlap(self, source, parts)

    # The last step before the commit: all files of the third source are written by then.
    monkeypatch.setattr(RecordingImport, "_check_overlap", interrupted)
    with pytest.raises(KeyboardInterrupt):
        import_files(files, ImportOptions(out=out))
    monkeypatch.undo()
    assert not list(out.rglob("*.tmp"))
    report = import_files(files, ImportOptions(out=out))
    assert report.totals["skipped"] == 2
    assert content(out) == expected


def test_the_manifests_name_every_source_once(tmp_path, files):
    out = tmp_path / "catalog"
    import_files(files, ImportOptions(out=out))
    manifests = [json.loads(path.read_bytes()) for path in (out / "_imports").glob("*.json")]
    assert sorted(m["source"]["name"] for m in manifests) == ["1.gz", "2.gz", "3.data"]
    named = {part["path"] for m in manifests for part in m["parts"]}
    stored = {path.relative_to(out).as_posix() for path in out.rglob("*.parquet")}
    assert named == stored
