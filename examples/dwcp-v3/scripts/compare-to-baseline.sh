#!/usr/bin/env bash
# A metric now beside what was usual at this hour: `playcall baseline` for the service's metrics by
# name. Further options are passed on (--json, --recent 10m, --zone Europe/Berlin).
# Ends with 0 when it is as usual, 1 when it differs, 2 when it is called wrongly, 3 when there is
# too little to say.
set -euo pipefail
. "$(dirname "$0")/metrics.sh"

metric="" window="" rest=()
while [ $# -gt 0 ]; do
    case $1 in
        --metric) metric=${2:-}; shift ;;
        --window) window=${2:-}; shift ;;
        *) rest+=("$1") ;;
    esac
    shift || break
done
if [ -z "$metric" ] || [ -z "$window" ]; then
    echo "usage: compare-to-baseline.sh --metric p50|p95|p99|throughput|errors --window 7d" >&2
    exit 2
fi
measure baseline "$metric" --window "$window" "${rest[@]}"
