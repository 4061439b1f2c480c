"""Parameter grids: a YAML file of lists as points to try."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mmbot.config.tree import dotted, leaves
from mmbot.config.yamlfile import parse_yaml
from mmbot.errors import ConfigError

__all__ = ["load_grid"]

_POINTS_MAX: Final = 100_000


def load_grid(path: Path) -> list[dict[str, Any]]:
    """The points of a grid file ``dotted.key: [values]``, the last key turning fastest.

    Raises:
        ConfigError: ``E_TUNE_GRID`` for a key without values or too many points; ``E_CFG_MISSING``,
        ``E_CFG_PARSE`` for a file that cannot be read.
    """
    dimensions = dict(_dimensions(path))
    count = 1
    for key, values in dimensions.items():
        if not isinstance(values, list) or not values:
            raise ConfigError("E_TUNE_GRID", key, "must be a list of values", detail=key)
        count *= len(values)
    if not dimensions or count > _POINTS_MAX:
        message = f"has {count if dimensions else 0} points; allowed are 1 to {_POINTS_MAX}"
        raise ConfigError("E_TUNE_GRID", str(path), message)
    names = list(dimensions)
    return [
        dict(zip(names, point, strict=True)) for point in itertools.product(*dimensions.values())
    ]


def _dimensions(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        data = path.read_bytes()
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise ConfigError("E_CFG_MISSING", str(path), f"cannot be read: {reason}") from exc
    tree, _ = parse_yaml(data, str(path))
    for keys, values in leaves(tree):
        yield dotted(keys), values
