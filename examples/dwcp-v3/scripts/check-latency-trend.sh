#!/usr/bin/env bash
# Whether a metric is on its way to its limit, and when it gets there: `playcall trend` for the
# service's metrics by name. Further options are passed on (--json, --at-least 5%).
# Ends with 0 when it gets no worse, 1 when it does, 2 when it is called wrongly, 3 when there is
# too little to say.
set -euo pipefail
. "$(dirname "$0")/metrics.sh"

metric="" duration="" rest=()
while [ $# -gt 0 ]; do
    case $1 in
        --metric) metric=${2:-}; shift ;;
        --duration) duration=${2:-}; shift ;;
        *) rest+=("$1") ;;
    esac
    shift || break
done
if [ -z "$metric" ] || [ -z "$duration" ]; then
    echo "usage: check-latency-trend.sh --metric p50|p95|p99|throughput|errors --duration 30m" >&2
    exit 2
fi
measure trend "$metric" --duration "$duration" "${rest[@]}"
