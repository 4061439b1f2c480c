"""Whether a session is well: what it publishes of itself, and what is answered from that."""

from mmbot.api.health.answers import PATHS, answer
from mmbot.api.health.view import HealthView

__all__ = ["PATHS", "HealthView", "answer"]
