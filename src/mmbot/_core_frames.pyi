"""Part of the stub of `mmbot._core`: frames of a venue as columns and back."""

import numpy as np
from numpy.typing import NDArray

def pack_frames(
    data: bytes, lens: NDArray[np.uint32], times: NDArray[np.int64], tags: NDArray[np.uint32]
) -> bytes:
    """A block of frames as columns, which compress far better than the text.

    `data` is all frames one after the other; for each its length, receive time (ns), and a tag of
    the caller's. Any bytes are frames. Runs without the GIL.

    Raises:
        CoreError: ``E_REC_FRAMES`` when lengths do not add up.
    """

def unpack_frames(
    packed: bytes, bytes_max: int
) -> tuple[bytes, NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint32]]:
    """What `pack_frames` was given, byte for byte, if that is no more than `bytes_max` bytes.

    Raises:
        CoreError: ``E_REC_FRAMES`` for a damaged block.
    """
