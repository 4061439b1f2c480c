import pytest
from tests.unit.core.sessions import World, config_of

from mmbot.telemetry.metrics.sections import intraday_caps_section, position_skew_section


@pytest.mark.spec("08-1.4")
def test_sections_show_positions_and_figures_of_the_day():
    world = World(config_of("guards.pos_skew.per_symbol_abs_limit=1", symbols=("BUSDT", "AUSDT")))
    state = world.run(60)
    section = position_skew_section(state)
    assert sorted(section) == ["color_breach", "positions", "symbol_breach"]
    assert section["symbol_breach"] == ["AUSDT", "BUSDT"]
    assert all(abs(usd) > 1 for usd in section["positions"].values())
    caps = intraday_caps_section(state, fx_usd_to_base=2.0)
    assert caps == {
        "breached": False,
        "drawdown_proxy_pct": 100 * state["risk"]["drawdown_day_largest"],
        "pnl": 2.0 * state["account"]["net_usd"],
        "turnover": state["account"]["turnover_usd"],
        "vol": state["intraday_caps"]["vol_pct"],
    }
