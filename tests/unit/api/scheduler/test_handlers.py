import pytest

from mmbot.api import AdminError
from mmbot.api.scheduler.handlers import get_suggestion, post_apply, recompute
from mmbot.config.scheduling import SchedulerSuggestConfig, TradingWindow
from mmbot.trading.schedule import Suggestion, SuggestRequest

FOUND = (
    Suggestion(start="14:00", end="16:00", score=0.75),
    Suggestion(start="22:00", end="00:00", score=0.5),
)


class Session:
    def __init__(self, *found: Suggestion, **config) -> None:
        self.config = SchedulerSuggestConfig(**config)
        self.found = found
        self.asked: list[SuggestRequest] = []
        self.applied: list[tuple[TradingWindow, ...]] = []

    def suggest_config(self):
        return self.config

    def suggest(self, request):
        self.asked.append(request)
        return self.found

    def apply_windows(self, windows):
        self.applied.append(windows)


@pytest.mark.spec("02-4")
@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({}, ("neutral", 6, 200)),
        ({"mode": "aggressive"}, ("aggressive", 6, 200)),
        ({"top_k": "12", "min_sample": "1"}, ("neutral", 12, 1)),
    ],
)
def test_the_query_overrides_the_configuration(query, asked):
    session = Session(*FOUND)
    answer = get_suggestion(session, query)
    assert answer.model_dump(mode="json") == {
        "windows": [
            {"end": "16:00", "score": 0.75, "start": "14:00"},
            {"end": "00:00", "score": 0.5, "start": "22:00"},
        ]
    }
    assert [(a.mode, a.top_k, a.min_sample) for a in session.asked] == [asked]


@pytest.mark.spec("02-4")
def test_without_data_the_list_is_empty():
    assert get_suggestion(Session(), {}).model_dump(mode="json") == {"windows": []}


@pytest.mark.spec("02-4")
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"mode": "bold"}, "invalid_mode"),
        ({"mode": ""}, "invalid_mode"),
        ({"mode": "Neutral"}, "invalid_mode"),
        ({"top_k": "0"}, "invalid_top_k"),
        ({"top_k": "13"}, "invalid_top_k"),
        ({"top_k": "x"}, "invalid_top_k"),
        ({"min_sample": "0"}, "invalid_min_sample"),
        ({"min_sample": "1.5"}, "invalid_min_sample"),
        ({"mode": "bold", "top_k": "0"}, "invalid_mode"),
    ],
)
def test_a_bad_query_names_its_field(query, reason):
    session = Session(*FOUND)
    with pytest.raises(AdminError) as caught:
        get_suggestion(session, query)
    assert (caught.value.status, caught.value.reason) == (400, reason)
    assert session.asked == []


@pytest.mark.spec("02-4")
def test_windows_are_applied_at_once_on_all_days():
    session = Session()
    body = {"windows": [{"start": "06:00", "end": "08:00"}, {"start": "22:00", "end": "00:00"}]}
    assert post_apply(session, body).model_dump() == {"applied": 2, "status": "ok"}
    assert [[(w.name, w.start, w.end, w.days) for w in ws] for ws in session.applied] == [
        [
            ("win0", "06:00", "08:00", (1, 2, 3, 4, 5, 6, 7)),
            ("win1", "22:00", "00:00", (1, 2, 3, 4, 5, 6, 7)),
        ]
    ]


@pytest.mark.spec("02-4")
def test_a_suggestion_can_be_sent_back_and_an_empty_list_opens_always():
    session = Session(*FOUND)
    suggestion = get_suggestion(session, {}).model_dump(mode="json")
    assert post_apply(session, suggestion).applied == 2
    assert post_apply(session, {"windows": []}).applied == 0
    assert [len(windows) for windows in session.applied] == [2, 0]


@pytest.mark.spec("02-4")
@pytest.mark.parametrize(
    "windows",
    [
        None,
        {},
        "06:00-08:00",
        [1],
        [{}],
        [{"start": "06:00"}],
        [{"start": "6:00", "end": "08:00"}],
        [{"start": "24:00", "end": "08:00"}],
        [{"start": "06:60", "end": "08:00"}],
        [{"start": "06:00\n", "end": "08:00"}],
        [{"start": "06:00", "end": "08:00", "days": [1]}],
        [{"start": "06:00", "end": "08:00"}, {"start": "x", "end": "08:00"}],
    ],
)
def test_nothing_is_applied_unless_all_windows_are_good(windows):
    session = Session()
    with pytest.raises(AdminError) as caught:
        post_apply(session, {"windows": windows})
    assert (caught.value.status, caught.value.reason) == (400, "invalid_windows")
    assert session.applied == []


@pytest.mark.parametrize(("body", "reason"), [({}, "invalid_windows"), ([], "invalid_payload")])
def test_a_body_without_windows_is_refused(body, reason):
    with pytest.raises(AdminError, match=reason):
        post_apply(Session(), body)


@pytest.mark.spec("02-4")
@pytest.mark.parametrize(
    ("session", "result", "applied"),
    [
        (Session(*FOUND, enabled=True), 2, 1),
        (Session(enabled=True), None, 0),
        (Session(*FOUND, enabled=False), None, 0),
    ],
)
def test_the_periodic_recompute_applies_and_keeps_windows_without_a_suggestion(
    session, result, applied
):
    assert recompute(session) == result
    assert len(session.applied) == applied
