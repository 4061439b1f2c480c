"""`mmbot record --venue` against a served exchange: killed, read while it writes, begun again."""

import asyncio
import json
import signal

import pytest
from tests.conformance.ports.world import SYMBOL, eventually, exchange
from tests.e2e.processes import MMBOT
from tests.recorded import capture_of, frames_of, rows_of

from mmbot.clock import wall_ns
from mmbot.market.frames import FrameKind
from mmbot.market.importers.job import ImportOptions, import_files
from mmbot.units import NS_PER_SEC

pytestmark = pytest.mark.slow
_PATIENCE_S = 120


async def record(root, world, *more):
    return await asyncio.create_subprocess_exec(
        *MMBOT,
        *("record", "--venue", "bybit", "--endpoint", world.rest_url),
        *("--symbol", SYMBOL, "--set", f"recorder.data_dir={root}", *more),
        cwd=root,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def killed(root, world):
    """Kill a recorder at its work; the time, and what was in its files then."""
    process = await record(root, world)
    before = len(frames_of(root))
    await eventually(lambda: len(frames_of(root)) > before + 60, within_s=60)
    process.send_signal(signal.SIGKILL)
    at_ns = wall_ns()
    await process.communicate()
    return at_ns, frames_of(root)


@pytest.mark.spec("01-9.1")
def test_a_kill_loses_a_second_at_most_and_the_next_recording_marks_the_gap(tmp_path):
    root = tmp_path / "data"
    root.mkdir()

    async def story():
        async with exchange() as world:
            at_ns, first = await killed(root, world)
            assert at_ns - first[-1].recv_ns < NS_PER_SEC
            assert all(json.loads(frame.data) for frame in first)

            again = await record(root, world, "--duration-sec", "2")
            out, err = await again.communicate()
            assert again.returncode == 0, err.decode()
            assert out.decode().startswith("| recorder | CLOSED | frames=")

            found = frames_of(root)
            assert found[: len(first)] == first
            mark = found[len(first)]
            assert mark.kind is FrameKind.GAP
            assert json.loads(mark.data) == {"reason": "restart", "since_ns": first[-1].recv_ns}
            assert len(found) > len(first) + 20

    asyncio.run(asyncio.wait_for(story(), _PATIENCE_S))
    files = sorted(capture_of(root).glob("*.mmf"))
    assert [path.name for path in files] == ["0.mmf", "1.mmf"]
    report = import_files(files, ImportOptions(out=tmp_path / "imported", keep_recv=True))
    assert report.totals["quarantined"] == 0
    # the recording has what an import of its frames has, those of the killed process too
    assert rows_of(root, SYMBOL) == rows_of(tmp_path / "imported", SYMBOL)
    kinds = {row[0] & 3 for row in rows_of(root, SYMBOL)}
    assert kinds >= {0, 2, 3}


@pytest.mark.spec("01-9.1")
def test_an_endpoint_that_is_none_is_refused(tmp_path):
    from typer.testing import CliRunner  # noqa: PLC0415

    from mmbot.cli.record import app  # noqa: PLC0415

    for args in (
        ["--venue", "bybit", "--endpoint", "ftp://x"],
        ["--venue", "nowhere"],
        ["--endpoint", "mainnet"],
    ):
        found = CliRunner().invoke(app, [*args, "--set", f"recorder.data_dir={tmp_path}"])
        assert found.exit_code == 1, args
