import os
from importlib import metadata

import pytest
from tests.unit.ops.doctor.test_judgements import FAIL, OK, WARN, checked

from mmbot.ops.doctor.installed import (
    dependencies,
    extension,
    parse_requirement,
    required_packages,
)

PYTHON = (3, 11)


@pytest.mark.parametrize(
    ("line", "name", "extra", "fits", "misfits"),
    [
        ("numpy>=2.0", "numpy", "", ["2", "2.0.1", "10.1"], ["1.99.9"]),
        ("pydantic<3,>=2.10", "pydantic", "", ["2.10", "2.99"], ["2.9", "3.0", "3.0.1"]),
        ("redis>=6.4,<8; extra == 'redis'", "redis", "redis", ["6.4.0", "7.1"], ["6.3", "8.0"]),
        ('a-b.c ; extra == "x"', "a-b.c", "x", ["0"], []),
        ("p!=1.5", "p", "", ["1.4", "1.5.1"], ["1.5", "1.5.0"]),
        ("p==1.5", "p", "", ["1.5.0", "1.5rc1"], ["1.6"]),
    ],
)
def test_requirements_are_read_and_versions_compared_number_by_number(
    line, name, extra, fits, misfits
):
    found = parse_requirement(line, python=PYTHON)
    assert found is not None
    assert (found.name, found.extra) == (name, extra)
    assert [version for version in fits if not found.fits(version)] == []
    assert [version for version in misfits if found.fits(version)] == []


def test_lines_for_another_python_are_left_out():
    line = "backports-zstd>=1.0; python_version < '3.14'"
    assert parse_requirement(line, python=(3, 13)) is not None
    assert parse_requirement(line, python=(3, 14)) is None
    assert parse_requirement("x; python_version >= '3.12'", python=PYTHON) is None


def test_this_installation_is_complete():
    found = required_packages(PYTHON)
    assert {"numpy", "msgspec"} <= {one.name for one in found}
    checked(dependencies(found, ["exchange"], metadata.version), OK)


def test_what_is_missing_or_too_old_is_named_with_the_extra_that_brings_it():
    lines = ["numpy>=2.0", "redis>=6.4,<8; extra == 'redis'", "ccxt>=4.5; extra == 'ccxt'"]
    needs = [one for line in lines if (one := parse_requirement(line, python=PYTHON))]
    have = {"numpy": "1.26"}
    found = dependencies(needs, [], have.get)
    checked(found, FAIL)
    assert found.remedy == "pip install --upgrade mmbot"
    found = dependencies(needs, ["redis"], {"numpy": "2.1"}.get)
    checked(found, FAIL)
    assert (found.text, found.remedy) == ("redis is missing", "pip install 'mmbot[redis]'")


def test_an_extension_older_than_its_sources_is_a_warning(tmp_path):
    crates, built = tmp_path / "crates", tmp_path / "_core.so"
    checked(extension(None, crates), FAIL)
    built.touch()
    checked(extension(built, crates), OK)
    (crates / "x").mkdir(parents=True)
    source = crates / "x" / "lib.rs"
    source.touch()
    os.utime(built, (1_000, 1_000))
    os.utime(source, (999, 999))
    checked(extension(built, crates), OK)
    os.utime(source, (1_001, 1_001))
    checked(extension(built, crates), WARN)
