"""The running session as the groups of the admin API want it."""

from mmbot.api.running.session import RunningSession
from mmbot.api.running.snapshots import SnapshotPaths

__all__ = ["RunningSession", "SnapshotPaths"]
