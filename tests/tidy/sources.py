"""The files that the rules of the house apply to, each scan with the least number it must see."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# A scan that sees fewer files than these looks in the wrong place.
PYTHON_MIN = 20
RUST_MIN = 20

_SKIPPED = frozenset({".venv", "target", "artifacts", "data", "dist", "__pycache__"})
_PYTHON_ROOTS = ("src", "tests", "benches", "examples")
_RUST_ROOTS = ("crates", "fuzz", "benches")


def python_files(*roots: str) -> list[Path]:
    return _found(roots or _PYTHON_ROOTS, (".py", ".pyi"))


def rust_files(*roots: str) -> list[Path]:
    return _found(roots or _RUST_ROOTS, (".rs",))


def build_files() -> list[Path]:
    """Makefile, manifests, workflows and scripts."""
    candidates = [ROOT / "Makefile", ROOT / ".ci" / "run", *ROOT.glob("*.toml")]
    candidates += [*ROOT.glob("crates/*/Cargo.toml"), *ROOT.glob(".github/workflows/*.yml")]
    return sorted(path for path in candidates if path.is_file())


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _found(roots: tuple[str, ...], suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(path for root in roots for path in _walk(ROOT / root) if path.suffix in suffixes)


def _walk(directory: Path) -> Iterator[Path]:
    if not directory.is_dir():
        return
    for path in directory.iterdir():
        if path.is_dir() and path.name not in _SKIPPED:
            yield from _walk(path)
        elif path.is_file():
            yield path
