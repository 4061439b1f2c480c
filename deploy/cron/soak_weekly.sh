#!/bin/sh
# Scheduled: the week's rollup. Exits with the last failure.
set -u
status=0
mmbot soak weekly-rollup || status=$?
exit "$status"
