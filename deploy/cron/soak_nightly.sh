#!/bin/sh
# Scheduled: one night in shadow mode with its reports and guards. Exits with the last failure.
set -u
status=0
mmbot soak autopilot --hours 8 --mode shadow --econ yes || status=$?
exit "$status"
