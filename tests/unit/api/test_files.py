import os

import pytest

from mmbot.api import AdminError
from mmbot.api.files import FILE_BYTES_MAX, path_roots, read_allowed


@pytest.fixture
def roots(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "a.json").write_bytes(b"{}")
    (tmp_path / "out" / "b.json").write_bytes(b"{}")
    return ((tmp_path / "in").resolve(),)


def refused(text, roots) -> str:
    with pytest.raises(AdminError) as caught:
        read_allowed(text, roots)
    assert caught.value.status == 400
    return caught.value.reason


def test_a_file_below_a_root_is_read(roots):
    assert read_allowed(str(roots[0] / "a.json"), roots) == b"{}"
    assert read_allowed(str(roots[0] / ".." / "in" / "a.json"), roots) == b"{}"


@pytest.mark.parametrize("text", [None, 1, "", "a\0b", ["x"]])
def test_no_path_is_invalid(text, roots):
    assert refused(text, roots) == "invalid_path"


def test_what_is_outside_is_not_allowed_whatever_way_it_is_reached(roots, tmp_path):
    outside = tmp_path / "out" / "b.json"
    link = roots[0] / "link.json"
    link.symlink_to(outside)
    for text in (outside, link, roots[0] / ".." / "out" / "b.json", tmp_path / "out" / "none"):
        assert refused(str(text), roots) == "path_not_allowed"


def test_what_is_no_readable_file(roots):
    assert refused(str(roots[0] / "none.json"), roots) == "file_not_found"
    assert refused(str(roots[0]), roots) == "invalid_path"
    os.mkfifo(roots[0] / "pipe")
    assert refused(str(roots[0] / "pipe"), roots) == "invalid_path"


def test_size_and_characters(roots):
    file = roots[0] / "c.json"
    file.write_bytes(b"x" * FILE_BYTES_MAX)
    assert len(read_allowed(str(file), roots)) == FILE_BYTES_MAX
    file.write_bytes(b"x" * (FILE_BYTES_MAX + 1))
    assert refused(str(file), roots) == "file_too_large"
    file.write_bytes("\u00e9".encode())
    assert refused(str(file), roots) == "non_ascii"


def test_roots_come_from_the_environment_or_are_the_three_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    artifacts, config = tmp_path / "artifacts", tmp_path / "config" / "app.yaml"
    found = path_roots({}, artifacts=artifacts, config_file=config)
    assert found == tuple(p.resolve() for p in (artifacts, config.parent, tmp_path))
    env = {"ADMIN_PATH_ROOTS": os.pathsep.join([str(tmp_path / "x"), "", "y"])}
    found = path_roots(env, artifacts=artifacts, config_file=config)
    assert found == ((tmp_path / "x").resolve(), (tmp_path / "y").resolve())
