"""Old names of keys: each use is migrated with one warning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mmbot.config.tree import Layer, Path, Tree, dotted, get, leaves, put
from mmbot.errors import ConfigError

__all__ = ["is_legacy", "migrate"]


@dataclass(frozen=True, slots=True)
class _Rename:
    new: Path
    divisor: float = 1.0


_SMOOTHING: Final = ("allocator", "smoothing")
_RENAMES: Final = {
    (*_SMOOTHING, "bias_cap"): _Rename((*_SMOOTHING, "bias_cap_ratio")),
    (*_SMOOTHING, "fee_bias_cap"): _Rename((*_SMOOTHING, "fee_bias_cap_ratio")),
    (*_SMOOTHING, "fee_bias_cap_bps"): _Rename((*_SMOOTHING, "fee_bias_cap_ratio"), 10_000.0),
    ("autopolicy", "max_level"): _Rename(("autopolicy", "level_max")),
}


def is_legacy(path: Path) -> bool:
    """Whether `path` is the old name of a key."""
    return path in _RENAMES


def migrate(layer: Layer) -> tuple[Layer, tuple[str, ...]]:
    """Return the layer with new names, and a warning line for each old one.

    Raises:
        ConfigError: ``E_CFG_CONFLICT`` when old and new are given with different values.
    """
    given = dict(leaves(layer.values))
    if not any(path in _RENAMES for path in given):
        return layer, ()
    tree: Tree = {}
    places = dict(layer.places)
    warnings = []
    for path, value in given.items():
        if path not in _RENAMES:
            put(tree, path, value)
    for path, value in given.items():
        rename = _RENAMES.get(path)
        if rename is None:
            continue
        warnings.append(f"W_CFG_LEGACY: {dotted(path)} -> {dotted(rename.new)}")
        converted = _converted(value, rename.divisor)
        present = get(tree, rename.new)
        if present is not None and present != converted:
            raise ConfigError(
                "E_CFG_CONFLICT", dotted(rename.new), f"contradicts the old key {dotted(path)}"
            )
        put(tree, rename.new, converted)
        places[rename.new] = layer.place(path)
    return Layer(layer.rank, layer.origin, tree, places), tuple(warnings)


def _converted(value: object, divisor: float) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value / divisor if is_number and divisor != 1.0 else value  # type: ignore[operator]
