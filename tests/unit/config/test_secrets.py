"""Where secrets come from, and what refuses to be one."""

from __future__ import annotations

import os

import pytest

from mmbot.config.secrets import load_secret, require_secret
from mmbot.errors import ConfigError
from mmbot.redact import redact

NAME = "BYBIT_API_KEY"


def written(path, text: str, mode: int = 0o600):
    path.write_text(text, encoding="ascii")
    path.chmod(mode)
    return path


@pytest.mark.spec("08-3.1")
def test_the_named_file_comes_before_the_mounted_one_before_the_variable(tmp_path):
    named = written(tmp_path / "key", "from-a-file-named\r\n")
    mounted = tmp_path / "run"
    mounted.mkdir()
    written(mounted / NAME.lower(), "from-the-mounted-file\n", 0o444)
    env = {NAME: "from-the-variable", f"{NAME}_FILE": str(named)}
    assert load_secret(NAME, env, mounted=mounted) == "from-a-file-named"
    assert load_secret(NAME, {NAME: env[NAME]}, mounted=mounted) == "from-the-mounted-file"
    assert load_secret(NAME, {NAME: env[NAME]}, mounted=tmp_path / "no") == "from-the-variable"


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_a_named_file_that_others_can_use_is_refused(tmp_path, mode):
    path = written(tmp_path / "key", "some-secret-value", mode)
    with pytest.raises(
        ConfigError, match=r"E_CFG_SECRET: BYBIT_API_KEY_FILE .*chmod 600"
    ) as caught:
        load_secret(NAME, {f"{NAME}_FILE": str(path)})
    assert "some-secret-value" not in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_secret(NAME, {f"{NAME}_FILE": str(tmp_path / "none")})
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="not ASCII"):
        load_secret(NAME, {f"{NAME}_FILE": str(path)})


@pytest.mark.spec("08-3.1")
@pytest.mark.parametrize("value", ["", " ", "dummy", "TEST", "None", "n/a"])
def test_placeholders_count_as_missing(value, tmp_path):
    assert load_secret(NAME, {NAME: value}, mounted=tmp_path) is None
    with pytest.raises(ConfigError, match="E_CFG_SECRET: BYBIT_API_KEY is not set"):
        require_secret(NAME, {NAME: value}, mounted=tmp_path)


@pytest.mark.spec("08-3.2")
def test_a_loaded_secret_is_masked_wherever_it_occurs(tmp_path):
    assert redact("x = xyzzy-unguessable-1") == "x = xyzzy-unguessable-1"
    load_secret(NAME, {NAME: "xyzzy-unguessable-1"}, mounted=tmp_path)
    load_secret(NAME, {NAME: "xyzzy-unguessable-1-and-more"}, mounted=tmp_path)
    masked = redact("x = xyzzy-unguessable-1, y=/xyzzy-unguessable-1-and-more/")
    assert masked == "x = ****, y=/****/"
    assert redact(masked) == masked
