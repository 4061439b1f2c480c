import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmbot import errors
from mmbot.error_codes import ERROR_CODES
from mmbot.errors import ConfigError, InputError, MarketDataError, MmbotError, ascii_line


def test_error_is_one_line_of_code_detail_key_and_message():
    error = MarketDataError("E_BT_LOADER", "file=a.jsonl row=7", "is not JSON", detail="bad_json")
    assert str(error) == "E_BT_LOADER:bad_json: file=a.jsonl row=7 is not JSON"


def test_error_without_detail():
    error = ConfigError("E_CFG_RANGE", "strategy.levels", "must be in [1,10]")
    assert str(error) == "E_CFG_RANGE: strategy.levels must be in [1,10]"


def test_error_without_key_has_no_double_space():
    assert str(MmbotError("E_EXEC_FATAL", "", "order state")) == "E_EXEC_FATAL: order state"


def test_hostile_text_stays_one_ascii_line_without_the_secret():
    error = ConfigError("E_CFG_TYPE", "caf\u00e9\nx", "got\tpassword=hunter2\x00\u202e")
    assert str(error) == "E_CFG_TYPE: caf\\xe9 x got password=****"


def test_error_survives_the_way_back_from_a_worker_process():
    error = MarketDataError("E_MD_FRAME", "row=3", "negative quantity", detail="qty")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is MarketDataError
    assert (copy.code, copy.key, copy.message, copy.detail) == (
        "E_MD_FRAME",
        "row=3",
        "negative quantity",
        "qty",
    )


@given(st.text())
def test_any_text_becomes_one_printable_ascii_line(text):
    line = ascii_line(text)
    assert line.isascii()
    assert line.isprintable()
    assert line == line.strip()


def test_every_error_class_stands_in_the_drawing_of_the_module():
    kinds = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, MmbotError)
    ]
    assert len(kinds) >= 8
    for kind in kinds:
        assert f" {kind.__name__} " in f" {errors.__doc__} ".replace("\n", " ")


@pytest.mark.parametrize("kind", [ConfigError, MarketDataError])
def test_wrong_input_can_be_caught_as_one_class(kind):
    assert issubclass(kind, InputError)


def test_registry_is_ascii_and_says_what_to_do():
    assert len(ERROR_CODES) > 30
    for code, entry in ERROR_CODES.items():
        assert code.startswith(("E_", "W_"))
        assert entry.meaning.isascii()
        assert entry.remedy.isascii()
        assert entry.meaning
        assert entry.remedy
