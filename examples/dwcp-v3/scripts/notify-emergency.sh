#!/usr/bin/env bash
# One message to everybody who plans around the service: a chat webhook and a mail, as far as they
# are set. Says what was sent; fails when nothing was, or something did not arrive.
#   CHAT_WEBHOOK_URL   takes {"text": ...}, as Slack and Mattermost do
#   STAKEHOLDERS       mail addresses with spaces in between; MAIL_URL (smtp://host:port), MAIL_FROM
set -euo pipefail

message=${1:-}
if [ -z "$message" ] || [ $# -ne 1 ]; then
    echo 'usage: notify-emergency.sh "MESSAGE"' >&2
    exit 2
fi
sent=0 failed=0

if [ -n "${CHAT_WEBHOOK_URL:-}" ]; then
    if jq -n --arg text "$message" '{text: $text}' |
        curl -sS --fail --max-time 10 -H 'Content-Type: application/json' -d @- "$CHAT_WEBHOOK_URL" >/dev/null
    then echo "sent to the chat"; sent=$((sent + 1))
    else echo "NOT sent to the chat" >&2; failed=$((failed + 1)); fi
fi

for address in ${STAKEHOLDERS:-}; do
    if printf 'From: %s\r\nTo: %s\r\nSubject: [EMERGENCY] DWCP v3\r\n\r\n%s\r\n' \
        "${MAIL_FROM:-oncall@example.org}" "$address" "$message" |
        curl -sS --fail --max-time 10 "${MAIL_URL:-smtp://127.0.0.1:25}" \
            --mail-from "${MAIL_FROM:-oncall@example.org}" --mail-rcpt "$address" -T -
    then echo "mailed to $address"; sent=$((sent + 1))
    else echo "NOT mailed to $address" >&2; failed=$((failed + 1)); fi
done

if [ "$sent" -eq 0 ] && [ "$failed" -eq 0 ]; then
    echo "Nobody was told: set CHAT_WEBHOOK_URL, or STAKEHOLDERS and MAIL_URL." >&2
    exit 1
fi
[ "$failed" -eq 0 ]
