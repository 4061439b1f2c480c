"""Metrics of a session: the registry as data, and samples made of the session's state.

Where a value comes from is part of the registry (`Metric.source`):

- ``state:<path>``: the state of `mmbot.core.SessionControl`;
- ``symbol:<path>``: the same for every symbol, which gives the label ``symbol``;
- ``config:<key>``: a key of the configuration in force;
- ``derived``: a function of the same name in `mmbot.telemetry.metrics.derived`;
- ``given``: what other parts of the program count.

Where a path ends in a mapping, its keys are the values of the next labels. None is no sample.
"""

from mmbot.telemetry.metrics.models import Metric, Sample
from mmbot.telemetry.metrics.reader import SessionMetrics
from mmbot.telemetry.metrics.registry import GIVEN, METRICS, metric

__all__ = ["GIVEN", "METRICS", "Metric", "Sample", "SessionMetrics", "metric"]
