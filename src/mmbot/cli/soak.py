"""`mmbot soak`: long unattended runs, auto-tuning, their reports and gates."""

from __future__ import annotations

import typer

from mmbot.cli.soak_care import artifacts_command, config_command, resources_command
from mmbot.cli.soak_compare import compare_tuners_command
from mmbot.cli.soak_gates import (
    anomaly_radar_command,
    drift_guard_command,
    kpi_gate_command,
    regression_guard_command,
    verify_deltas_command,
)
from mmbot.cli.soak_plan import autopilot_command, long_run_command, nightly_command
from mmbot.cli.soak_reports import (
    audit_command,
    daily_report_command,
    export_warmup_command,
    weekly_rollup_command,
)
from mmbot.cli.soak_run import run_command, smoke_command
from mmbot.cli.soak_serve import dashboard_command, exporter_command

__all__ = ["app"]

app = typer.Typer(
    help="Long unattended runs in measuring windows; auto-tuning, reports, gates.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

app.command(
    "run",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot soak run --mock --iterations 6 --auto-tune --sleep-seconds 0\n\n"
        "mmbot soak run --hours 24 --auto-tune --warmup --profile steady_safe\n\n"
        "mmbot soak run --resume --hours 24 --auto-tune"
    ),
)(run_command)
app.command("smoke")(smoke_command)
app.command("nightly")(nightly_command)
app.command("config")(config_command)
app.command("verify-deltas")(verify_deltas_command)
app.command("export-warmup")(export_warmup_command)
app.command("audit")(audit_command)
app.command("kpi-gate")(kpi_gate_command)
app.command("daily-report")(daily_report_command)
app.command("weekly-rollup")(weekly_rollup_command)
app.command("drift-guard")(drift_guard_command)
app.command("regression-guard")(regression_guard_command)
app.command("anomaly-radar")(anomaly_radar_command)
app.command("autopilot")(autopilot_command)
app.command("long-run")(long_run_command)
app.command("compare-tuners")(compare_tuners_command)
app.command("artifacts")(artifacts_command)
app.command("resources")(resources_command)
app.command("dashboard")(dashboard_command)
app.command("exporter")(exporter_command)
