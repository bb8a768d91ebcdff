# Runs one command on this host for a Playcall that is elsewhere. Reads words that end with NUL: a
# secret, a mark, seconds, bounds; answers; reads variables up to an empty word, and the command.
# A further line, or the end of input, ends the command, as its time does: nobody else would.
IFS= read -r -d '' secret && IFS= read -r -d '' mark || exit 97
IFS= read -r -d '' seconds && IFS= read -r -d '' bounds || exit 97
scratch=$(mktemp -d "${TMPDIR:-/tmp}/playcall-XXXXXXXX") && cd "$scratch" || exit 97
trap 'cd / && rm -rf -- "$scratch"' EXIT
trap : HUP INT TERM PIPE
late=''
trap 'late=late' USR1
printf '\0%s ready\n' "$secret"
exec 2>/dev/null
while IFS= read -r -d '' pair && [[ $pair ]]; do export "${pair?}"; done
IFS= read -r -d '' command || exit 97
export TMPDIR=$scratch PLAYCALL_RUN=$mark
set -m
(
  for bound in $bounds; do ulimit "-${bound%%=*}" "${bound#*=}"; done
  exec bash --noprofile --norc -c -- "$command" 2>&1
) </dev/null &
group=$!
(
  IFS= read -r -t "$seconds" _
  [[ $? -le 128 ]] || kill -USR1 $$
  kill -TERM -- "-$group"
  sleep 2
  kill -KILL -- "-$group"
) <&0 >/dev/null &
watcher=$!
set +m
while wait "$group"; code=$?; kill -0 "$group"; do :; done
for _ in 1 2 3 4 5 6 7 8 9 10; do # what it left behind may finish its output, if it ended by itself
  kill -0 "$watcher" && kill -0 -- "-$group" || break
  sleep 0.1
done
kill -KILL -- "-$group" "-$watcher"
for process in /proc/[0-9]*; do
  mapfile -d '' -t variables <"$process/environ" || continue
  [[ ${variables[*]} != *"PLAYCALL_RUN=$mark"* ]] || kill -KILL "${process#/proc/}"
done
cd / && rm -rf -- "$scratch"
printf '\0%s %d %s\n' "$secret" "$code" "$late"
