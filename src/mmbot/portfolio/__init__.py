"""Budget over symbols: weights, twelve stages from base to target, cost model, fee tiers.

Pure functions of (state, inputs, configuration); `tick` is the one verb. What runs every second is
the core's; here is its face, and what happens once per rebalance. Only `snapshots` does IO.
"""

from mmbot.core import CostParams
from mmbot.portfolio.allocator import TickResult, rebalance_due, tick
from mmbot.portfolio.calibration import CalibrationBook, CalibrationError
from mmbot.portfolio.cost import params_for
from mmbot.portfolio.flow import FlowBook, fill_sample
from mmbot.portfolio.models import (
    STAGES,
    Allocation,
    AllocatorInputs,
    AllocatorSettings,
    AllocatorState,
    Observation,
    PortfolioTarget,
    SymbolInputs,
)
from mmbot.portfolio.preview import Preview, preview, preview_text

__all__ = [
    "STAGES",
    "Allocation",
    "AllocatorInputs",
    "AllocatorSettings",
    "AllocatorState",
    "CalibrationBook",
    "CalibrationError",
    "CostParams",
    "FlowBook",
    "Observation",
    "PortfolioTarget",
    "Preview",
    "SymbolInputs",
    "TickResult",
    "fill_sample",
    "params_for",
    "preview",
    "preview_text",
    "rebalance_due",
    "tick",
]
