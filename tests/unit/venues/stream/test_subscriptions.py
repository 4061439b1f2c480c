"""Topics wanted, asked for and acknowledged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mmbot.units import NS_PER_SEC
from mmbot.venues.stream.subscriptions import SubscribeOp, Subscriptions

TOPICS = [f"orderbook.50.S{n}" for n in range(25)]


def answer_all(subscriptions, requests):
    return [subscriptions.answered(one.req_id, is_ok=True) for one in requests]


@given(count=st.integers(0, 40), per_request=st.integers(1, 12))
def test_everything_is_asked_once_in_requests_of_bounded_size(count, per_request):
    topics = [f"t{n}" for n in range(count)]
    subscriptions = Subscriptions(topics, topics_per_request=per_request)
    requests = subscriptions.opened(0)
    assert [topic for one in requests for topic in one.topics] == topics
    assert all(1 <= len(one.topics) <= per_request for one in requests)
    assert len({one.req_id for one in requests}) == len(requests)
    assert subscriptions.is_complete is (count == 0)
    assert set(answer_all(subscriptions, requests)) <= {None}
    assert subscriptions.is_complete


def test_a_new_connection_asks_for_everything_again_and_forgets_old_answers():
    subscriptions = Subscriptions(TOPICS, topics_per_request=10)
    first = subscriptions.opened(0)
    answer_all(subscriptions, first)
    second = subscriptions.opened(1)
    assert not subscriptions.is_complete
    answer_all(subscriptions, first)
    assert not subscriptions.is_complete
    answer_all(subscriptions, second)
    assert subscriptions.is_complete


def test_a_refusal_names_the_request():
    subscriptions = Subscriptions(TOPICS, topics_per_request=10)
    requests = subscriptions.opened(0)
    assert subscriptions.answered(requests[1].req_id, is_ok=False) == requests[1]
    assert subscriptions.answered(requests[1].req_id, is_ok=False) is None
    assert subscriptions.answered("nobody", is_ok=False) is None
    answer_all(subscriptions, requests)
    assert not subscriptions.is_complete


def test_a_book_is_left_and_asked_for_anew():
    subscriptions = Subscriptions(TOPICS, topics_per_request=10)
    answer_all(subscriptions, subscriptions.opened(0))
    requests = subscriptions.again([TOPICS[3], "unknown"], 5)
    assert [(one.op, one.topics) for one in requests] == [
        (SubscribeOp.UNSUBSCRIBE, (TOPICS[3],)),
        (SubscribeOp.SUBSCRIBE, (TOPICS[3],)),
    ]
    answer_all(subscriptions, requests[:1])
    assert not subscriptions.is_complete
    answer_all(subscriptions, requests[1:])
    assert subscriptions.is_complete


def test_an_answer_that_does_not_come_is_overdue():
    subscriptions = Subscriptions(TOPICS, topics_per_request=30)
    requests = subscriptions.opened(0)
    assert not subscriptions.is_overdue(5 * NS_PER_SEC, 5 * NS_PER_SEC)
    assert subscriptions.is_overdue(5 * NS_PER_SEC + 1, 5 * NS_PER_SEC)
    answer_all(subscriptions, requests)
    assert not subscriptions.is_overdue(10 * NS_PER_SEC, 5 * NS_PER_SEC)
