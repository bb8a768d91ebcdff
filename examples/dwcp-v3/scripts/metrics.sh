# For the scripts beside it: the service's metrics by name. Sourced, not run.
prometheus=${PROMETHEUS_URL:-http://prometheus:9090}
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

limit_of() { # name -> the value that pages, in the metric's unit; nothing for those without one
    case $1 in
        p99) echo 0.5 ;;
        p95) echo 0.5 ;;
        throughput) echo 2.0e9 ;;
        errors) echo 10 ;;
    esac
}

seconds_of() { # 90s, 30m, 2h, 7d -> seconds
    if ! [[ $1 =~ ^([1-9][0-9]{0,5})([smhd])$ ]]; then
        echo "$1 is no duration such as 90s, 30m, 2h or 7d" >&2
        return 2
    fi
    case ${BASH_REMATCH[2]} in
        s) echo "${BASH_REMATCH[1]}" ;;
        m) echo $((BASH_REMATCH[1] * 60)) ;;
        h) echo $((BASH_REMATCH[1] * 3600)) ;;
        d) echo $((BASH_REMATCH[1] * 86400)) ;;
    esac
}

values_of() { # PromQL, seconds back, step -> JSON [[time, value], ...] without what is no number
    local end
    end=$(date +%s)
    curl -sfG "$prometheus/api/v1/query_range" --data-urlencode "query=$1" \
        -d "start=$((end - $2))" -d "end=$end" -d "step=$3" |
        jq -ce '[.data.result[0].values // [] | .[] | select(.[1] != "NaN" and (.[1] | contains("Inf") | not))
                | [.[0], (.[1] | tonumber)]]'
}
