#!/usr/bin/env bash
# Whether a latency is on its way to its limit: a line through the last values, and when it gets there.
# Ends with 0 when it does not rise, 1 when it does, 3 when there is too little to say.
set -euo pipefail
. "$(dirname "$0")/metrics.sh"

metric="" duration=""
while [ $# -gt 0 ]; do
    case $1 in
        --metric) metric=${2:-}; shift ;;
        --duration) duration=${2:-}; shift ;;
        *) echo "usage: check-latency-trend.sh --metric p50|p95|p99 --duration 30m" >&2; exit 2 ;;
    esac
    shift
done
query=$(query_of "$metric") || exit 2
seconds=$(seconds_of "$duration") || exit 2
limit=$(limit_of "$metric")
step=$((seconds > 600 ? seconds / 60 : 10))
[ "$seconds" -ge 120 ] || step=1
values=$(values_of "$query" "$seconds" "$step") || { echo "Prometheus does not answer at $prometheus" >&2; exit 3; }

jq -nr --argjson v "$values" --argjson limit "${limit:-null}" --arg name "$metric" --arg back "$duration" '
    ($v | length) as $n
    | if $n < 5 then "\($name): only \($n) values in \($back), too few to say\n3" else
        ($v | map(.[0]) | add / $n) as $t | ($v | map(.[1]) | add / $n) as $y
        | ($v | map((.[0] - $t) * (.[1] - $y)) | add) as $sxy
        | ($v | map((.[0] - $t) * (.[0] - $t)) | add) as $sxx
        | ($sxy / $sxx) as $slope
        | (($v[-1][0] - $t) * $slope + $y) as $now
        | ($v[-1][0] - $v[0][0]) as $span
        | (($slope * $span) > (0.1 * $y)) as $rises
        | "\($name) over \($back): now \($now * 1000 | round) ms, \(if $slope < 0 then "falling" else "rising" end) by \($slope * 60000 | fabs * 10 | round / 10) ms a minute",
          (if $rises and $limit and $now < $limit
           then "at this rate it reaches \($limit * 1000) ms in \(($limit - $now) / $slope / 60 * 10 | round / 10) minutes"
           elif $limit and $now >= $limit then "it is over its limit of \($limit * 1000) ms"
           elif $rises then "it rises" else "that is no trend: less than a tenth over all of it" end),
          (if $rises then 1 else 0 end)
      end' | {
    code=3
    while IFS= read -r line; do
        [[ $line =~ ^[0-3]$ ]] && code=$line || echo "$line"
    done
    exit "$code"
}
