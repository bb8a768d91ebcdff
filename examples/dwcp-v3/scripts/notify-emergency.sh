#!/usr/bin/env bash
# One message to everybody who plans around the service: by `playcall notify-emergency`, which tells
# the stakeholders of the playbook; where no server takes it, by mail. The chat gets it in any case.
# Says whom it reached. Ends with 0 when it reached everybody, 1 when it did not, 2 when it is called
# wrongly.
#   PLAYCALL_URL, PLAYCALL_TOKEN   of the server, and a responder's token
#   CHAT_WEBHOOK_URL               takes {"text": ...}, as Slack and Mattermost do
#   STAKEHOLDERS                   mail addresses with spaces in between, for when no server answers;
#                                  MAIL_URL (smtp://host:port), MAIL_FROM
set -euo pipefail

message=${1:-}
if [ -z "$message" ] || [ $# -ne 1 ]; then
    echo 'usage: notify-emergency.sh "MESSAGE"' >&2
    exit 2
fi
sent=0 failed=0

chat() {
    if jq -n --arg text "$message" '{text: $text}' |
        curl -sS --fail --max-time 10 -H 'Content-Type: application/json' -d @- "$CHAT_WEBHOOK_URL" >/dev/null
    then echo "sent to the chat"; sent=$((sent + 1))
    else echo "NOT sent to the chat" >&2; failed=$((failed + 1)); fi
}

by_playcall() { # fails when nobody was told
    [ -n "${PLAYCALL_TOKEN:-}" ] || return 1
    command -v playcall >/dev/null || { echo "playcall is not on the PATH" >&2; return 1; }
    local code=0
    playcall notify-emergency -- "$message" || code=$?
    case $code in
        0) sent=$((sent + 1)) ;;
        1) sent=$((sent + 1)) failed=$((failed + 1)) ;;
        *) return 1 ;;
    esac
}

by_mail() {
    local address
    if [ -z "${STAKEHOLDERS:-}" ] && [ -n "${PLAYCALL_TOKEN:-}" ]; then
        echo "NOT told: the stakeholders" >&2
        failed=$((failed + 1))
    fi
    for address in ${STAKEHOLDERS:-}; do
        if printf 'From: %s\r\nTo: %s\r\nSubject: [EMERGENCY] DWCP v3\r\n\r\n%s\r\n' \
            "${MAIL_FROM:-oncall@example.org}" "$address" "$message" |
            curl -sS --fail --max-time 10 "${MAIL_URL:-smtp://127.0.0.1:25}" \
                --mail-from "${MAIL_FROM:-oncall@example.org}" --mail-rcpt "$address" -T -
        then echo "mailed to $address"; sent=$((sent + 1))
        else echo "NOT mailed to $address" >&2; failed=$((failed + 1)); fi
    done
}

if [ -n "${CHAT_WEBHOOK_URL:-}" ]; then chat; fi
by_playcall || by_mail
if [ "$sent" -eq 0 ] && [ "$failed" -eq 0 ]; then
    echo "Nobody was told: set PLAYCALL_TOKEN, CHAT_WEBHOOK_URL, or STAKEHOLDERS and MAIL_URL." >&2
    exit 1
fi
[ "$failed" -eq 0 ]
