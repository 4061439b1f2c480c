import io
import json

import pytest
import structlog

from mmbot.errors import ConfigError
from mmbot.telemetry import logs


@pytest.fixture
def stream(monkeypatch):
    monkeypatch.setattr(logs, "wall_ns", lambda: 1_723_161_600_000_000_000)
    yield io.StringIO()
    structlog.reset_defaults()


def test_line_is_ascii_with_sorted_fields_and_without_secrets(stream):
    logs.configure_logging(stream=stream)
    logs.get_logger("venue").info(
        "connected", url="x://u:p@h", b=1.5, a="two words\n\u20ac", token="t"
    )
    assert stream.getvalue() == (
        "2024-08-09T00:00:00Z INFO venue connected "
        'a="two words \\u20ac" b=1.5 token=**** url=x://****:****@h\n'
    )


def test_json_line_has_the_same_fields(stream):
    logs.configure_logging(stream=stream, as_json=True)
    logs.get_logger("venue").warning("slow", lag_ms=float("inf"), api_key="k")
    assert json.loads(stream.getvalue()) == {
        "api_key": "****",
        "component": "venue",
        "event": "slow",
        "lag_ms": None,
        "level": "warning",
        "utc": "2024-08-09T00:00:00Z",
    }


def test_lines_below_the_level_are_dropped(stream):
    logs.configure_logging("WARNING", stream=stream)
    logs.get_logger("x").info("quiet")
    assert stream.getvalue() == ""


def test_exception_stays_on_one_line(stream):
    logs.configure_logging(stream=stream)
    try:
        raise ValueError("password=abc")
    except ValueError:
        logs.get_logger("x").exception("failed")
    assert stream.getvalue().count("\n") == 1
    assert "ValueError" in stream.getvalue()
    assert "abc" not in stream.getvalue()


def test_default_stream_is_stderr_of_the_moment(capsys):
    logs.configure_logging()
    logs.get_logger("x").info("hello")
    structlog.reset_defaults()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("INFO x hello\n")


def test_unknown_level_is_refused():
    with pytest.raises(ConfigError) as caught:
        logs.configure_logging("LOUD")
    assert caught.value.code == "E_CFG_TYPE"


def test_environment_wins_over_the_configured_level():
    assert logs.log_level("INFO", {"LOG_LEVEL": "debug"}) == "DEBUG"
    assert logs.log_level("ERROR", {}) == "ERROR"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"profile": "S1", "n": 2}, "| config | LOADED | profile=S1 n=2 |"),
        ({}, "| config | LOADED |"),
        ({"api_key": "k"}, "| config | LOADED | api_key=**** |"),
    ],
)
def test_marker_line(fields, line):
    assert logs.marker("config", "LOADED", **fields) == line
