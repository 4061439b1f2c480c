"""`mmbot profile apply`, as a user types it."""

import json
import shutil
from pathlib import Path

import pytest

from mmbot.cli.app import run_cli

ROOT = Path(__file__).parents[3]
OVERRIDES = Path("artifacts/soak/runtime_overrides.json")
REPORT = Path("artifacts/soak/applied_profile.json")
S1 = """\
============================================================
Loading profile: S1
============================================================
| profile_apply | OK | PROFILE=S1 |

Applied profile configuration:
------------------------------------------------------------
  base_spread_bps                = 0.85
  concurrency_limit              = 1.9
  impact_cap_ratio               = 0.1
  inventory_tilt_cap             = 0.2
  max_delta_ratio                = 0.15
  min_interval_ms                = 60
  replace_rate_per_min           = 300
  slippage_penalty_coef          = 0.1
  tail_age_ms                    = 700
  vip_tilt_cap                   = 0.15
------------------------------------------------------------
| save_applied_profile | OK | artifacts/soak/applied_profile.json |
"""


@pytest.fixture
def mmbot(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("ARTIFACTS_DIR", "MM_PROFILE", "MM_RUNTIME_OVERRIDES_JSON"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(ROOT / "config" / "profiles", "config/profiles")
    shutil.copy(ROOT / "config" / "profiles.yaml", "config")

    def run(*args):
        code = run_cli(["profile", "apply", *args])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.spec("01-1", "01-4.6")
def test_apply_prints_the_parameters_and_writes_both_files(mmbot):
    code, out, _ = mmbot("--profile", "S1")
    assert (code, out) == (0, S1)
    assert json.loads(OVERRIDES.read_text())["base_spread_bps_delta"] == 0.35
    body = json.loads(REPORT.read_text())
    assert body["profile"] == "S1"
    assert body["overrides_runtime"] == json.loads(OVERRIDES.read_text())


@pytest.mark.spec("01-1", "01-4.6")
def test_a_dry_run_writes_the_report_only(mmbot, monkeypatch):
    monkeypatch.setenv("MM_PROFILE", "S1")
    code, out, _ = mmbot("--dry-run")
    assert code == 0
    assert out == S1 + "\n[OK] Dry run complete - profile loaded successfully\n"
    assert sorted(path.name for path in REPORT.parent.iterdir()) == ["applied_profile.json"]


@pytest.mark.spec("01-4.2", "01-4.6")
def test_a_built_in_profile_is_written_to_the_library(mmbot):
    code, out, _ = mmbot("steady_safe")
    assert code == 0
    assert "  tail_age_ms                    = 740\n" in out
    assert json.loads(Path("artifacts/soak/profiles/steady_safe.json").read_text())


@pytest.mark.spec("01-4.4")
def test_an_overlay_says_what_it_changes(mmbot):
    code, out, err = mmbot("econ_moderate")
    assert code == 0
    assert "  min_interval_ms                = 80\n" in out
    assert "PROFILE_APPLY key=canary.fraction old=0.1 new=0.05" in err


@pytest.mark.spec("01-4.2", "01-4.6")
def test_what_cannot_be_applied_is_one_line(mmbot):
    assert mmbot() == (1, "", "E_CFG_MISSING: NAME must be given, or MM_PROFILE\n")
    assert mmbot("nope")[2].startswith("E_PROFILE_NOT_FOUND: nope is not a profile; there are:")
    assert mmbot("S1", "--profile", "econ_moderate")[2].startswith("E_CFG_CONFLICT: --profile")
    assert not OVERRIDES.exists()


@pytest.mark.spec("01-4.5")
def test_damaged_overrides_are_set_aside(mmbot, monkeypatch):
    monkeypatch.setenv("MM_FREEZE_UTC", "1")
    OVERRIDES.parent.mkdir(parents=True)
    OVERRIDES.write_text("{")
    code, out, _ = mmbot("S1")
    assert (code, out) == (0, S1)
    aside = OVERRIDES.with_name(f"{OVERRIDES.name}.corrupt.19700101T000000Z")
    assert aside.read_text() == "{"
