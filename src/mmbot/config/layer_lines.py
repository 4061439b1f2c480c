"""The lines that a start prints about the layers it found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmbot.config.app import AppConfig
from mmbot.config.parameter_sources import CLI, ENV, OVERRIDES, PROFILE_CLI, PROFILE_ENV
from mmbot.config.quoting import QuotingLayer
from mmbot.config.tree import Layer, dotted, get, leaves, merge, to_tree

__all__ = ["count_lines", "profile_lines"]

_PROFILES = {PROFILE_ENV, PROFILE_CLI}


def profile_lines(layers: Sequence[Layer], parameters: Sequence[QuotingLayer]) -> list[str]:
    """What profiles are loaded, and which keys an overlay changes."""
    lines = [
        f"| config | LOADED | profile={layer.origin.partition(':')[2]} |"
        for layer in sorted(parameters, key=lambda layer: layer.rank)
        if layer.rank in _PROFILES
    ]
    defaults = Layer(0, "default", to_tree(AppConfig()))
    below = merge([defaults, *(layer for layer in layers if layer.rank < PROFILE_ENV)]).tree
    for layer in (layer for layer in layers if layer.rank in _PROFILES):
        for path, value in leaves(layer.values):
            old = get(below, path)
            if old != value:
                lines.append(f"PROFILE_APPLY key={dotted(path)} old={old} new={value}")
    return lines


def count_lines(
    path: Path | None, layers: Sequence[Layer], parameters: Sequence[QuotingLayer]
) -> list[str]:
    """One line for each non-empty layer."""
    if path is None:
        lines = ["| config | WARN | file=none using=defaults |"]
    else:
        lines = [f"| config | LOADED | source=file path={path} |"]
    lines += [
        f"| config | LOADED | source=file path={layer.place} params={len(layer.values)} |"
        for layer in parameters
        if layer.rank == OVERRIDES and layer.values
    ]
    for rank, origin in ((ENV, "env"), (CLI, "cli")):
        count = sum(len(list(leaves(item.values))) for item in layers if item.rank == rank)
        count += sum(len(item.values) for item in parameters if item.rank == rank)
        if count:
            lines.append(f"| config | LOADED | source={origin} params={count} |")
    return lines
