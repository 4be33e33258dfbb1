#!/usr/bin/env bash
# broadcast.sh - one event to many consoles: when the last has it, and what that costs the coordinator's host
. "${top_srcdir:?}/bench/lib.sh"
need jq /usr/bin/python3
SESSIONS=${SESSIONS:-500}
site_new sup1
# All come from one address and at once, which is what a flood looks like too.
sed -i "s/^\(max_logins\|max_logins_per_source\|max_sessions\) = .*/\1 = $((SESSIONS + 16))/" "$SITE/wetreadd.conf"
coordinator_start
demo load --ready --count 100 >/dev/null || bail "the orders are accepted"

mkfifo "$E2E_DIR/say" "$E2E_DIR/hear"
"$top_builddir/bench/client" --sessions "$SESSIONS" --target "ssh://sup1@127.0.0.1:$SSH_PORT" --identity "$KEYS/sup1" \
	--known-hosts "$SITE/known_hosts" <"$E2E_DIR/say" >"$E2E_DIR/hear" 2>"$E2E_DIR/client.log" &
PID[client]=$!
disown
exec 7>"$E2E_DIR/say" 8<"$E2E_DIR/hear"
IFS= read -r -t 120 all <&8 || bail "$SESSIONS sessions come live" "$(tail -3 "$E2E_DIR/client.log")"
row "$SESSIONS consoles connect and are live" "$(jq .live <<<"$all")" ms

mapfile -t procs < <(pgrep -x 'wetread-gate|wetreadd' -g "$(ps -o pgid= -p "${PID[wetreadd]}" | tr -d ' ')")
# Nanoseconds on the processors, which /proc/PID/stat's ticks are too coarse for.
cpu_ns() { for p in "${procs[@]}"; do cat "/proc/$p/schedstat"; done 2>/dev/null | awk '{ s += $1 } END { printf "%.0f", s }'; }

echo mark >&7
IFS= read -r -t 20 _ <&8
before=$(cpu_ns)
"$top_srcdir/bench/rpc.py" "$SITE/run/core.sock" 20 0.4 || bail "the supervisor's commands are done"
echo mark >&7
IFS= read -r -t 60 got <&8 || bail "the events arrive" "$(tail -3 "$E2E_DIR/client.log")"
after=$(cpu_ns)
row "events that arrived of $((20 * SESSIONS))" "$(jq .events <<<"$got")" ""
row "from the commit to a console, median" "$(jq .p50 <<<"$got")" ms
row "  p95 / the last" "$(jq -r '"\(.p95) / \(.max)"' <<<"$got")" ms
row "processor time of coordinator and gates, an event" "$(awk -v a="$before" -v b="$after" 'BEGIN { printf "%.1f", (b - a) / 20 / 1e6 }')" ms '<=' 60
exec 7>&-
stop client
