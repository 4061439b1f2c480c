"""The crash-safe journal of a trading session: what entered it and what it asked for.

A journal is a directory ``<journal_dir>/<session_id>/`` with segments ``0.mmj``, ``1.mmj``, ...;
a segment is nothing but frames of the core's codec. `JournalWriter` appends framed bytes,
`JournalReader` gives records back, `prune_journals` removes what was shipped and is old.
`CheckpointWriter` and `Checkpoints` keep snapshots of the state beside it.

What holds: when `append` has returned, the records survive the death of the process; after a power
failure at most the records of the last `fsync_ms` (and of a sync under way) are missing. A torn
last frame is cut and counted when the journal is opened for writing. Damage is reported with file
and offset, and the file stays as it is.
"""

from mmbot.store.journal.checkpoints import Checkpoints, CheckpointWriter
from mmbot.store.journal.metrics import JournalMetrics, MsHistogram
from mmbot.store.journal.reader import JournalReader, JournalScan, Start
from mmbot.store.journal.retention import mark_shipped, prune_journals
from mmbot.store.journal.segments import list_sessions
from mmbot.store.journal.writer import JournalWriter

__all__ = [
    "CheckpointWriter",
    "Checkpoints",
    "JournalMetrics",
    "JournalReader",
    "JournalScan",
    "JournalWriter",
    "MsHistogram",
    "Start",
    "list_sessions",
    "mark_shipped",
    "prune_journals",
]
