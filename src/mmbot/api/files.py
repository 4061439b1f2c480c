"""Files that a request names: below one of the allowed roots, small, ASCII."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mmbot.api.errors import AdminError

__all__ = ["FILE_BYTES_MAX", "allowed_path", "path_roots", "read_allowed"]

FILE_BYTES_MAX: Final = 1 << 20


def path_roots(env: Mapping[str, str], *, artifacts: Path, config_file: Path) -> tuple[Path, ...]:
    """``ADMIN_PATH_ROOTS``; by default artifacts, the configuration's and the working directory."""
    listed = [part for part in env.get("ADMIN_PATH_ROOTS", "").split(os.pathsep) if part]
    roots = [Path(part) for part in listed] or [artifacts, config_file.parent, Path()]
    return tuple(root.resolve() for root in roots)


def allowed_path(text: object, roots: Sequence[Path]) -> Path:
    """The file that a request names, symbolic links resolved.

    Raises:
        AdminError: ``invalid_path`` for no text or no file, ``path_not_allowed``,
        ``file_not_found``.
    """
    if not isinstance(text, str) or not text or "\0" in text:
        raise AdminError("invalid_path")
    try:
        path = Path(text).resolve()
    except (OSError, RuntimeError) as exc:
        raise AdminError("invalid_path") from exc
    if not any(path.is_relative_to(root) for root in roots):
        raise AdminError("path_not_allowed")
    if not path.exists():
        raise AdminError("file_not_found")
    if not path.is_file():
        raise AdminError("invalid_path")
    return path


def read_allowed(text: object, roots: Sequence[Path]) -> bytes:
    """The bytes of the file.

    Raises:
        AdminError: as `allowed_path`, and ``file_too_large``, ``non_ascii``.
    """
    path = allowed_path(text, roots)
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError as exc:
        raise AdminError("file_not_found") from exc
    except OSError as exc:
        raise AdminError("invalid_path") from exc
    if len(data) > FILE_BYTES_MAX:
        raise AdminError("file_too_large")
    if not data.isascii():
        raise AdminError("non_ascii")
    return data
