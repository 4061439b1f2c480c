"""Whatever is wrong with a file: one line with code, key and place, and a session that goes on."""

import pytest
from tests.unit.config.bad_files import AT, FILES, VALUES

from mmbot.config import ConfigRequest, load_config
from mmbot.errors import ConfigError

ROWS = [
    *((name, (AT + text + "\n").encode(), code, parts) for name, text, code, parts in VALUES),
    *FILES,
]
GOOD = "trading: {symbols: [BTCUSDT]}\nrisk: {max_position_usd: 5000}\n"


def refused(request):
    with pytest.raises(ConfigError) as caught:
        load_config(request)
    return caught.value


@pytest.mark.spec("01-2", "01-3.1", "01-5", "01-6.1", "01-6.2")
@pytest.mark.parametrize(("name", "data", "code", "parts"), ROWS, ids=[row[0] for row in ROWS])
def test_a_bad_file_is_one_line_and_leaves_a_running_session_alone(
    project, name, data, code, parts
):
    project.write(GOOD)
    runtime = project.start()
    config, version = runtime.config, runtime.version
    project.path.write_bytes(data)

    error = refused(ConfigRequest(env={}))
    line = str(error)
    assert error.code == code
    assert [part for part in parts if part not in line] == []
    assert line.isascii()
    assert "\n" not in line

    with pytest.raises(ConfigError) as caught:
        runtime.reload("admin")
    assert str(caught.value) == line
    assert runtime.config is config
    assert runtime.version == version
    assert runtime.reload_total == {"ok": 0, "failed": 1}
    assert project.lines[-1] == f"| config | ERROR | {line} |"


def test_the_table_is_long_enough_to_mean_something():
    assert len(ROWS) > 60
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.spec("01-2")
def test_line_ends_of_windows_and_a_byte_order_mark_are_legal_yaml(project):
    text = "\ufefftrading:\r\n  symbols: [BTCUSDT]\r\nrisk:\r\n  max_position_usd: 7\r\n"
    project.path.write_bytes(text.encode())
    assert load_config(ConfigRequest(env={})).config.risk.max_position_usd == 7.0


@pytest.mark.spec("01-2")
def test_a_path_that_is_no_file(project, tmp_path, monkeypatch):
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    for path, part in (
        (tmp_path / "nothing.yaml", "does not exist"),
        (tmp_path / "config" / "app.yaml" / "x", "does not exist"),
        (tmp_path / "config", "is a directory"),
        (loop, "cannot be read"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ):
        error = refused(ConfigRequest(env={}, path=path))
        assert error.code == "E_CFG_MISSING"
        assert part in str(error)


@pytest.mark.spec("01-2")
def test_a_directory_that_may_not_be_entered_is_no_missing_file(project, monkeypatch):
    def deny(self, **_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.stat", deny)
    error = refused(ConfigRequest(env={}))
    assert error.code == "E_CFG_MISSING"
    assert "cannot be read: Permission denied" in str(error)


@pytest.mark.spec("01-4.4")
def test_a_profile_with_a_foreign_key_changes_nothing(project):
    project.write("profiles: {mine: {risk: {max_position_usd: 1}}}", "config/profiles.yaml")
    assert refused(ConfigRequest(env={}, profile="mine")).code == "E_PROFILE_KEY"
    project.write('{"levels": 1}', "config/profiles/market_maker_MINE.json")
    assert refused(ConfigRequest(env={}, profile="MINE")).code == "E_PROFILE_KEY"


@pytest.mark.spec("01-2")
def test_without_a_file_only_live_trading_is_refused(project):
    project.path.unlink()
    assert refused(ConfigRequest(env={}, mode="live")).code == "E_CFG_MISSING"
    messages = load_config(ConfigRequest(env={}, mode="paper")).messages
    assert "| config | WARN | file=none using=defaults |" in messages


@pytest.mark.spec("01-7")
@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("On", True), ("yes", True), ("0", False), ("OFF", False)]
)
def test_switches_of_the_environment(project, text, value):
    config = load_config(ConfigRequest(env={"ENABLE_ANTI_STALE_GUARD": text})).config
    assert config.strategy.enable_anti_stale_guard is value


@pytest.mark.spec("01-7")
def test_a_malformed_switch_is_a_wrong_type(project):
    assert refused(ConfigRequest(env={"ENABLE_ANTI_STALE_GUARD": "2"})).code == "E_CFG_TYPE"
    assert refused(ConfigRequest(env={"ORDER_TTL_MS": "fast"})).code == "E_CFG_TYPE"
