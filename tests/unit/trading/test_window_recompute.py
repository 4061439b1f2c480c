"""Windows that are suggested anew on a period."""

import pytest

from mmbot.config.scheduling import SchedulerSuggestConfig
from mmbot.errors import ConfigError, MarketDataError
from mmbot.trading import window_recompute as recompute
from mmbot.trading.schedule.suggest import Suggestion
from mmbot.trading.window_recompute import WindowRecompute, period_sec
from mmbot.units import NS_PER_SEC

ON = SchedulerSuggestConfig(enabled=True, top_k=2, min_sample=7, mode="aggressive")
OFF = SchedulerSuggestConfig()
FOUND = (
    Suggestion(start="08:00", end="10:00", score=0.9),
    Suggestion(start="22:00", end="00:00", score=0.8),
)


class Desk:
    def __init__(self, monkeypatch, answer):
        self.now_s = 0
        monkeypatch.setattr(recompute, "monotonic_ns", lambda: self.now_s * NS_PER_SEC)
        self.answer = answer
        self.asked = []
        self.said: list[str] = []
        self.windows = WindowRecompute(60, self.suggest, self.said.append)

    def suggest(self, request, market_ns):
        self.asked.append((request.mode, request.top_k, request.min_sample, market_ns))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def at(self, second, config=ON):
        self.now_s = second
        found = self.windows.poll(config, 1_000 + second)
        if self.windows._thread is not None:
            self.windows._thread.join()
        return found


@pytest.mark.spec("02-4")
def test_windows_are_suggested_once_a_period_and_taken_over_when_they_are_there(monkeypatch):
    desk = Desk(monkeypatch, FOUND)
    assert desk.at(0) is None
    assert desk.at(59) is None
    assert desk.asked == []
    assert desk.at(60) is None, "it is at work"
    assert desk.asked == [("aggressive", 2, 7, 1_060)]
    found = desk.at(61)
    assert found is not None
    assert [(one.name, one.start, one.end) for one in found] == [
        ("win0", "08:00", "10:00"),
        ("win1", "22:00", "00:00"),
    ]
    assert desk.at(62) is None
    assert desk.at(119) is None
    assert len(desk.asked) == 1
    assert desk.at(120) is None
    assert len(desk.asked) == 2


@pytest.mark.spec("02-4")
def test_an_empty_suggestion_keeps_the_windows_in_force(monkeypatch):
    desk = Desk(monkeypatch, ())
    assert [desk.at(second) for second in (60, 61, 120, 121)] == [None] * 4
    assert desk.said == []


@pytest.mark.spec("02-4")
def test_nothing_is_suggested_while_that_is_off(monkeypatch):
    desk = Desk(monkeypatch, FOUND)
    assert desk.at(600, OFF) is None
    assert desk.asked == []
    assert desk.at(601, ON) is None
    assert len(desk.asked) == 1


def test_a_suggestion_that_fails_is_a_line_and_is_tried_again(monkeypatch):
    desk = Desk(monkeypatch, MarketDataError("E_MD_FRAME", "file=x", "is damaged"))
    assert [desk.at(second) for second in (60, 61)] == [None, None]
    assert desk.said == ["scheduler: E_MD_FRAME: file=x is damaged"]
    desk.answer = FOUND
    desk.at(120)
    assert desk.at(121) is not None


@pytest.mark.spec("02-4")
def test_the_period_comes_from_the_environment():
    assert period_sec({}) == 0
    assert period_sec({"SCHEDULER_RECOMPUTE_SEC": "900"}) == 900
    for text in ("often", "-1", "nan", "1e9"):
        with pytest.raises(ConfigError, match="E_CFG_TYPE: SCHEDULER_RECOMPUTE_SEC"):
            period_sec({"SCHEDULER_RECOMPUTE_SEC": text})
