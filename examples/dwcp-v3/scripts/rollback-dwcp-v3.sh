#!/usr/bin/env bash
# Gives all migrations back to version 1, in an order in which there is always somebody to do them:
# see that v1 is up, send new ones there, let those under way on v3 end, lead customers to v1, stop v3.
# Every step may be done again: after a failure, mend what the message says and start it again.
# It does the work itself and needs no Playcall: `playcall rollback` asks for it, and lets it run.
# Ends with 0 when v1 has all traffic, 2 when it is called wrongly or without --confirm, anything else
# when a step failed.
set -euo pipefail

usage() {
    cat >&2 <<'END'
usage: rollback-dwcp-v3.sh [--phase N] [--emergency] --confirm
  --phase N     the phase of the rollout that is undone, 1 to 6; for the record only
  --emergency   do not wait for migrations on v3 to end: they are finished or aborted as v3 stops
  --confirm     without it nothing is done, and the steps are listed
END
    exit 2
}

phase="" emergency="" confirmed=""
while [ $# -gt 0 ]; do
    case $1 in
        --phase) phase=${2:-}; [[ $phase =~ ^[1-6]$ ]] || usage; shift ;;
        --emergency) emergency=yes ;;
        --confirm) confirmed=yes ;;
        *) usage ;;
    esac
    shift
done

prometheus=${PROMETHEUS_URL:-http://prometheus:9090}
drain_seconds=${DRAIN_SECONDS:-120}
timeout=${ROLLOUT_TIMEOUT:-120s}
step="nothing yet"

say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$*"; }

stopped() {
    code=$?
    [ "$code" -eq 0 ] && return
    say "STOPPED at: $step (exit code $code)"
    say "What was done stays done. Customers are led to version" \
        "$(kubectl get service dwcp-service -o 'jsonpath={.spec.selector.version}' || echo unknown)."
    say "Mend the cause and give the same command again: every step may be done twice."
}
trap stopped EXIT

in_flight() { # migrations on v3; fails when Prometheus does not know: absence is not zero
    local pods
    pods=$(kubectl get deployment/dwcp-v3 -o 'jsonpath={.status.replicas}') || return 1
    [ "${pods:-0}" != 0 ] || { echo 0; return; }
    curl -sfG "$prometheus/api/v1/query" --data-urlencode 'query=sum(dwcp_v3_migrations_in_flight)' |
        jq -er '.data.result[0].value[1]'
}

do_step() {
    step=$1
    say "$step"
    [ -n "$confirmed" ] || return 0
    shift
    "$@"
}

start_v1() {
    kubectl scale deployment/dwcp-v1 --replicas="${V1_REPLICAS:-1}"
    kubectl wait --for=condition=available deployment/dwcp-v1 --timeout="$timeout"
}

stop_new() {
    kubectl set env deployment/dwcp-v3 FEATURE_FLAG_ROLLOUT=0
    kubectl rollout status deployment/dwcp-v3 --timeout="$timeout"
}

drain() {
    local deadline=$((SECONDS + drain_seconds)) left
    while left=$(in_flight) || left=unknown; [ "$left" != 0 ]; do # a pod that just started is not read yet
        if [ "$SECONDS" -ge "$deadline" ]; then
            if [ "$left" = unknown ]; then
                say "Prometheus does not say how many migrations run on v3. Mend that, or give --emergency."
            else
                say "$left migrations still run on v3 after $drain_seconds s." \
                    "Wait longer (DRAIN_SECONDS), or give --emergency."
            fi
            return 1
        fi
        sleep 1
    done
}

switch() {
    kubectl patch service dwcp-service -p '{"spec":{"selector":{"version":"v1"}}}'
    local ready
    ready=$(kubectl get endpoints dwcp-service -o 'jsonpath={.subsets[*].addresses[*].ip}')
    [ -n "$ready" ] || { say "No pod of v1 is behind dwcp-service."; return 1; }
    say "dwcp-service now leads to $ready"
}

stop_v3() {
    kubectl scale deployment/dwcp-v3 deployment/dwcp-v3-amst deployment/dwcp-v3-hde --replicas=0
    kubectl rollout status deployment/dwcp-v3 --timeout="$timeout"
}

say "Rollback of DWCP v3${phase:+, phase $phase of its rollout}${emergency:+, without waiting}"
do_step "1. v1 is up" start_v1
do_step "2. v3 sends new migrations to v1" stop_new
[ -n "$emergency" ] || do_step "3. migrations on v3 end" drain
do_step "4. customers are led to v1" switch
do_step "5. v3 stops" stop_v3
if [ -z "$confirmed" ]; then
    say "Nothing was done. Give --confirm to do it."
    exit 2
fi
step="done"
say "v1 has all traffic. See that it moves machines before you end the incident."
