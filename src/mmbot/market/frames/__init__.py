"""Frames of a venue as they came over the wire: recorded at line rate, given back byte for byte."""

from mmbot.market.frames.layout import CaptureHead, Frame, FrameKind
from mmbot.market.frames.reader import CaptureReader
from mmbot.market.frames.recorder import FrameRecorder, FrameRecorderCounters

__all__ = [
    "CaptureHead",
    "CaptureReader",
    "Frame",
    "FrameKind",
    "FrameRecorder",
    "FrameRecorderCounters",
]
