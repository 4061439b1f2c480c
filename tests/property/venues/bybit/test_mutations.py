"""Damaged frames of the private side by the thousand: a record with sound numbers, or an error.

The samples are mutated as a fuzzer would do it, from one seed: bits, cuts, copies, numbers that no
venue sends. `--fuzz-seconds 3600` gives each decoder an hour of a processor; the default takes
seconds. The decoders of market data have targets for a real fuzzer in `fuzz/`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.property.venues.bybit.test_private_fuzz import GOOD, SHAPES, dialogues

from mmbot.venues.bybit.answers import Asked, acks_of, decode_result, read_answer
from mmbot.venues.bybit.private_stream import UnreadableFrameError, private_events
from mmbot.venues.bybit.public_stream import sight_of
from mmbot.venues.failures import FailureKind, Operation
from mmbot.venues.ports import CallError, GapReason

_SAID = 18
NUMBERS = frozenset({"price", "qty", "filled_qty", "fee", "avg_price", "total", "available"})
STRANGE = (b"NaN", b"Infinity", b"-1", b"1e400", b"9" * 40, b'""', b"null", b"{}", b"[]", b"0x1")
ANSWERS = (
    {"retCode": 0, "retMsg": "OK", "result": {"orderId": "o", "orderLinkId": "c"}, "time": 1},
    {"reqId": "r", "retCode": 10006, "op": "order.create", "data": {}, "header": {"Timenow": "1"}},
    {
        "retCode": 0,
        "result": {"list": [{"orderId": "o", "orderLinkId": "c"}]},
        "retExtInfo": {"list": [{"code": 0, "msg": "OK"}]},
    },
)
FRAMES = tuple(
    {"topic": topic, "id": "1", "creationTime": 1_700_000_000_000, "data": [row]}
    for topic, row in GOOD.items()
)


def mutated(rng: random.Random, sample: bytes) -> bytes:
    """A sample after one to four changes."""
    data = bytearray(sample)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randint(1, 24))
        match rng.randrange(6):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at:end]
            case 2:
                data[at:at] = data[at:end] * rng.randint(1, 3)
            case 3:
                data[at:end] = rng.choice(STRANGE)
            case 4:
                data[at:at] = rng.randbytes(rng.randint(1, 6))
            case _:
                value = bytes(data)
                digits = [i for i, byte in enumerate(value) if 0x30 <= byte <= 0x39]
                if digits:
                    data[rng.choice(digits)] = rng.choice(b"0123456789-.e")
    return bytes(data)


def check_numbers(record: object) -> int:
    """Every number of a record is one; how many there were."""
    named = {one.name for one in fields(record)} & NUMBERS  # type: ignore[arg-type]
    texts = [getattr(record, name) for name in named]
    assert all(Decimal(text).is_finite() for text in texts if text != ""), record
    return len(texts)


@dataclass
class Trials:
    """So many mutations, or as many as a processor makes in a time."""

    cases: int
    seconds: float | None
    done: int = 0

    def rounds(self, inputs: int = 1) -> Iterator[None]:
        """One for so many inputs."""
        end_s = time.process_time() + (self.seconds or 0)
        while self.done < self.cases if self.seconds is None else time.process_time() < end_s:
            self.done += inputs
            yield


@pytest.fixture
def trials(request) -> Iterator[Trials]:
    options = request.config.getoption
    one = Trials(options("--fuzz-cases"), options("--fuzz-seconds"))
    yield one
    assert one.done > 0
    if report := options("--fuzz-report"):
        line = {"test": request.node.name, "inputs": one.done, "seconds": one.seconds}
        with Path(report).open("a", encoding="ascii") as file:
            file.write(json.dumps(line) + "\n")


@pytest.mark.parametrize("topic", sorted(GOOD))
def test_rows_of_a_private_topic(topic, trials):
    rng = random.Random(f"rows:{topic}")
    sample = json.dumps([GOOD[topic], GOOD[topic]]).encode()
    passed = numbers = 0
    for _ in trials.rounds():
        try:
            events = private_events(topic, mutated(rng, sample), "linear")
        except UnreadableFrameError:
            continue
        passed += 1
        numbers += sum(map(check_numbers, events))
    assert 0 < passed < trials.done
    assert numbers > 0


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_rows_of_an_answer(shape, trials):
    rng = random.Random(f"answers:{shape.__name__}")
    samples = [json.dumps({"list": [row]}).encode() for row in GOOD.values()]
    refused = 0
    for _ in trials.rounds():
        raw = msgspec.Raw(mutated(rng, rng.choice(samples)))
        found: object
        try:
            found = decode_result(raw, shape, Asked(Operation.QUERY))
        except CallError as exc:
            found = exc.failure.kind
            refused += 1
        assert isinstance(found, shape) or found is FailureKind.MALFORMED
    assert refused > 0


def test_envelopes_of_answers_over_rest_and_the_trade_socket(trials):
    rng = random.Random("envelopes")
    samples = [json.dumps(one).encode() for one in ANSWERS]
    asked = (
        Asked(Operation.CREATE, "A", ("c",)),
        Asked(Operation.CANCEL, "A", ("c", "d"), is_batch=True),
    )
    read = 0
    for _ in trials.rounds():
        answer = read_answer(mutated(rng, rng.choice(samples)))
        read += answer is not None
        if answer is None:
            continue
        for one in asked:
            with suppress(CallError):
                assert len(acks_of(answer, one)) == len(one.cids)
    assert 0 < read < trials.done


def test_what_is_said_on_the_sockets(trials):
    rng = random.Random("dialogues")
    samples = [json.dumps(one, separators=(",", ":")).encode() for one in (*FRAMES, *ANSWERS)]
    heard = 0
    for _ in trials.rounds(_SAID):
        for dialogue in dialogues():
            dialogue.opened(0)
            for number in range(_SAID // 3):
                frame = mutated(rng, rng.choice(samples))
                sight_of(frame)
                dialogue.received(frame, number)
                dialogue.ticked(number)
                heard += 1
            dialogue.lost(dialogue.ticked(10**10).lost or GapReason.DISCONNECTED)
    assert heard == trials.done
