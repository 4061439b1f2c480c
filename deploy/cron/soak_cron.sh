#!/bin/sh
# Scheduled: 24 h in shadow mode, then the day's report. Exits with the last failure.
set -u
status=0
mmbot soak run --mode shadow --hours 24 --auto-tune || status=$?
mmbot soak daily-report || status=$?
exit "$status"
