"""The models hold exactly the specified keys, with default, range and rule of change."""

import pytest
from tests.unit.config.spec_keys import FIXED, LIVE

from mmbot.config import AppConfig
from mmbot.config.changes import key_values
from mmbot.config.schema import all_keys

ROWS = [(*row, True) for row in LIVE] + [(*row, False) for row in FIXED]


@pytest.mark.spec(
    "01-2.1",
    "01-2.2",
    "01-2.3",
    "01-2.4",
    "01-2.5",
    "01-2.6",
    "02-11.2",
    "02-3",
    "01-D20",
    "02-D9",
    "02-D19",
    "01-D19",
)
@pytest.mark.parametrize(("key", "default", "bounds", "hot"), ROWS, ids=[row[0] for row in ROWS])
def test_a_key_is_as_specified(key, default, bounds, hot):
    info = all_keys()[key]
    assert key_values(AppConfig())[key] == default
    assert info.range == bounds
    assert info.hot is hot
    assert info.doc


@pytest.mark.spec("01-2")
def test_there_is_no_other_key_and_none_twice():
    names = [row[0] for row in ROWS]
    assert len(names) > 240
    assert sorted(names) == sorted(all_keys())
