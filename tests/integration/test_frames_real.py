"""Real captures of venues, recorded as frames: byte for byte, and an eighth of the text at most."""

import pytest
from benches.recorder import frames_of

from mmbot.market.frames import CaptureHead, CaptureReader
from mmbot.market.frames.writer import CaptureWriter

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


@pytest.mark.spec("01-9.1")
@pytest.mark.parametrize(
    "name",
    [
        "bybit/bybit_v5_20260809_linear-BTCUSDT-SOLUSDT_spot-BTCUSDT.jsonl.zst",
        "binance/usdm_btcusdt_20240808.gz",
        "binance/usdm_ethusdt_20240808.gz",
        "binance/spot_btcusdt_20240808.gz",
        "binance/coinm_btcusd_perp_20240809.gz",
    ],
)
def test_a_capture_comes_back_byte_for_byte_from_an_eighth_of_its_size(real_data, tmp_path, name):
    frames = frames_of(str(real_data / name))
    assert len(frames) > 1_000
    writer = CaptureWriter(tmp_path, CaptureHead(exchange="bybit"), now_ns=frames[0].recv_ns)
    for at in range(0, len(frames), 500):
        writer.append([(one.recv_ns, 0, one.data) for one in frames[at : at + 500]])
    writer.close()
    found = CaptureReader(tmp_path).frames()
    assert [(one.recv_ns, one.data) for one in found] == [(one.recv_ns, one.data) for one in frames]
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert 8 * size <= sum(len(one.data) for one in frames)
