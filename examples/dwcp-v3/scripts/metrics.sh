# shellcheck shell=bash
# For the scripts beside it: the service's metrics by name, and `playcall` over them. Sourced, not run.
export PROMETHEUS_URL=${PROMETHEUS_URL:-http://prometheus:9090}
bucket=dwcp_v3_migration_latency_seconds_bucket
rate=${RATE_WINDOW:-5m}

query_of() { # name -> PromQL
    case $1 in
        p50 | p95 | p99) echo "histogram_quantile(0.${1#p}, sum(rate(${bucket}[$rate])) by (le))" ;;
        throughput) echo "avg(dwcp_v3_throughput_bytes_per_second)" ;;
        errors) echo "sum(rate(dwcp_v3_errors_total[$rate]))" ;;
        *)
            echo "unknown metric $1: p50, p95, p99, throughput or errors" >&2
            return 2
            ;;
    esac
}

known_of() { # name -> its unit, the value that pages, and which side of it is bad
    case $1 in
        p50) echo "--unit s" ;;
        p95 | p99) echo "--unit s --limit 0.5" ;;
        throughput) echo "--unit B/s --limit 2.0e9 --worse down" ;;
        errors) echo "--unit 1/s --limit 10" ;;
    esac
}

measure() { # trend|baseline, name, further options -> what `playcall` says, and its exit code
    local command=$1 metric=$2 query
    shift 2
    query=$(query_of "$metric") || exit 2
    if ! command -v playcall >/dev/null; then
        echo "playcall is not on the PATH; see its README, Install" >&2
        exit 3
    fi
    # shellcheck disable=SC2046 # known_of prints words
    exec playcall "$command" --name "$metric" --query "$query" $(known_of "$metric") "$@"
}
