#!/usr/bin/env bash
# A metric now (its last five minutes) beside what was usual: mean and spread over a window.
# Ends with 0 when it is within three spreads of the mean, 1 when it is not, 3 when there is too
# little to say.
set -euo pipefail
. "$(dirname "$0")/metrics.sh"

metric="" window=""
while [ $# -gt 0 ]; do
    case $1 in
        --metric) metric=${2:-}; shift ;;
        --window) window=${2:-}; shift ;;
        *) echo "usage: compare-to-baseline.sh --metric p50|p95|p99|throughput|errors --window 7d" >&2; exit 2 ;;
    esac
    shift
done
query=$(query_of "$metric") || exit 2
seconds=$(seconds_of "$window") || exit 2
step=$((seconds > 3600 ? seconds / 1000 : 5))
recent=${RECENT_SECONDS:-300}
values=$(values_of "$query" "$seconds" "$step") || { echo "Prometheus does not answer at $prometheus" >&2; exit 3; }

jq -nr --argjson v "$values" --argjson recent "$recent" --arg name "$metric" --arg window "$window" '
    def mean: add / length;
    def told: if . >= 1e9 then "\(. / 1e7 | round / 100) G" elif . >= 1e6 then "\(. / 1e4 | round / 100) M"
              elif . >= 100 then "\(round)" else "\(. * 1000 | round / 1000)" end;
    ($v[-1][0] // 0) as $latest
    | [$v[] | select(.[0] > $latest - $recent) | .[1]] as $now
    | [$v[] | select(.[0] <= $latest - $recent) | .[1]] as $before
    | if ($before | length) < 10 or ($now | length) < 1
      then "\($name): \($before | length) values before and \($now | length) now, too few to say\n3" else
        ($before | mean) as $usual
        | ($before | map(. - $usual | . * .) | mean | sqrt) as $spread
        | ($now | mean) as $is
        | (if $spread > 0 then ($is - $usual) / $spread else 0 end) as $far
        | "\($name) now \($is | told), usually \($usual | told) ± \($spread | told) over \($window)",
          (if $usual != 0 then "that is \(($is / $usual - 1) * 100 | round) %, \($far | fabs * 10 | round / 10) spreads \(if $far < 0 then "below" else "above" end)" else empty end),
          (if ($far | fabs) > 3 then 1 else 0 end)
      end' | {
    code=3
    while IFS= read -r line; do
        [[ $line =~ ^[0-3]$ ]] && code=$line || echo "$line"
    done
    exit "$code"
}
