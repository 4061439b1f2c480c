"""What recorders of a venue leave, read back."""

from pathlib import Path

from mmbot.errors import MarketDataError
from mmbot.market.catalog import read_events
from mmbot.market.frames import CaptureReader

VENUE = "bybit-linear"


def capture_of(root):
    """The directory of the frames below a root of research data."""
    return Path(root) / "frames" / f"venue={VENUE}"


def frames_of(root):
    """Frames and gaps so far; none before the first file."""
    try:
        return list(CaptureReader(capture_of(root)).frames())
    except MarketDataError:
        return []


def rows_of(root, symbol):
    """Rows of the catalog with both times."""
    rows: list[tuple[int, ...]] = []
    for chunk in read_events(str(root), venue=VENUE, symbol=symbol):
        columns = chunk.to_arrays()
        names = ("flags", "px", "qty", "ts_exch", "ts_local")
        rows += zip(*(columns[name].tolist() for name in names), strict=True)
    return rows
