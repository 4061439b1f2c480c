"""The soak library: built-in profiles as files, the listing, and files of older releases."""

import json
from pathlib import Path

import pytest

from mmbot.config.profiles import SOAK_DEFAULTS, SOAK_PROFILES
from mmbot.config.soak_library import list_profiles, materialise, migrate_legacy_files
from mmbot.errors import ConfigError

ARTIFACTS = Path("artifacts")
SOAK = ARTIFACTS / "soak"


def tree():
    return {path.relative_to(SOAK).as_posix(): path.read_text() for path in SOAK.rglob("*.*")}


@pytest.mark.spec("01-4.2")
def test_profiles_are_written_once_and_never_overwritten(project):
    project.write('{"tail_age_ms": 1}', SOAK / "profiles" / "ultra_safe.json")
    written = materialise(ARTIFACTS, defaults=True)
    assert [path.name for path in written] == ["steady_safe.json", "aggressive.json", "config.json"]
    assert json.loads((SOAK / "profiles/steady_safe.json").read_text()) == dict(
        SOAK_PROFILES["steady_safe"]
    )
    assert json.loads((SOAK / "config.json").read_text()) == dict(SOAK_DEFAULTS)
    assert json.loads((SOAK / "profiles/ultra_safe.json").read_text()) == {"tail_age_ms": 1}
    assert materialise(ARTIFACTS, defaults=True) == []


@pytest.mark.spec("01-4.2")
def test_the_rows_of_the_library():
    names = ["base_spread_bps_delta", "impact_cap_ratio", "max_delta_ratio", "min_interval_ms"]
    names += ["replace_rate_per_min", "tail_age_ms"]
    rows = {"defaults": SOAK_DEFAULTS, **SOAK_PROFILES}
    assert {name: tuple(row[key] for key in names) for name, row in rows.items()} == {
        "defaults": (0.14, 0.09, 0.14, 70, 260, 650),
        "steady_safe": (0.16, 0.08, 0.12, 75, 260, 740),
        "ultra_safe": (0.16, 0.08, 0.12, 80, 240, 700),
        "aggressive": (0.10, 0.12, 0.16, 50, 320, 500),
    }
    assert all(sorted(row) == sorted(names) for row in rows.values())


@pytest.mark.spec("01-4.7")
def test_the_listing(project):
    project.write('{"tail_age_ms": 700, "impact_cap_ratio": 0.1}', SOAK / "profiles" / "mine.json")
    lines = list_profiles(ARTIFACTS)
    assert lines[:2] == ["Available profiles:", "  - aggressive: 6 params"]
    at = lines.index("  - mine: 2 params")
    assert lines[at + 1 : at + 3] == [
        "      impact_cap_ratio               = 0.1",
        "      tail_age_ms                    = 700",
    ]


@pytest.mark.spec("01-4.7", "01-D9")
def test_legacy_files_move_and_a_second_time_nothing_happens(project):
    steady, deprecated = '{"tail_age_ms": 710}', '{"tail_age_ms": 1, "min_interval_ms": 2}'
    project.write(steady, SOAK / "steady_safe_overrides.json")
    project.write('{"tail_age_ms": 720}', SOAK / "ultra_safe_overrides.json")
    project.write(deprecated, SOAK / "steady_overrides.json")
    project.write('{"tail_age_ms": 600}', project.overrides)
    assert migrate_legacy_files(ARTIFACTS) == [
        "| migrate | MOVED | steady_safe_overrides.json -> profiles/steady_safe.json |",
        "| migrate | MOVED | ultra_safe_overrides.json -> profiles/ultra_safe.json |",
        "| migrate | REMOVED | steady_overrides.json (DEPRECATED) |",
    ]
    after = tree()
    assert after == {
        "profiles/steady_safe.json": steady,
        "profiles/ultra_safe.json": '{"tail_age_ms": 720}',
        "runtime_overrides.json": '{"min_interval_ms":2,"tail_age_ms":600}\n',
        "steady_overrides.json.bak": deprecated,
    }
    assert migrate_legacy_files(ARTIFACTS) == []
    assert tree() == after


@pytest.mark.spec("01-4.7")
@pytest.mark.parametrize("present", ['{"tail_age_ms": 710}', '{"tail_age_ms": 999}'])
def test_other_content_of_the_target_is_kept(project, present):
    legacy = '{"tail_age_ms": 710}'
    project.write(legacy, SOAK / "steady_safe_overrides.json")
    project.write(present, SOAK / "profiles" / "steady_safe.json")
    migrate_legacy_files(ARTIFACTS)
    backup = {} if present == legacy else {"profiles/steady_safe.json.bak": present}
    assert tree() == {"profiles/steady_safe.json": legacy} | backup


@pytest.mark.spec("01-4.7")
def test_a_damaged_legacy_file_stops_the_move_before_it_begins(project):
    project.write('{"tail_age_ms": 710}', SOAK / "steady_safe_overrides.json")
    project.write('{"levels": 1}', SOAK / "steady_overrides.json")
    before = tree()
    with pytest.raises(ConfigError) as caught:
        migrate_legacy_files(ARTIFACTS)
    assert caught.value.code == "E_PROFILE_KEY"
    assert tree() == before
