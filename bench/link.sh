#!/usr/bin/env bash
# link.sh - what a console costs on the wire: IP bytes and round trips on a shaped link between two namespaces
. "${top_srcdir:?}/bench/lib.sh"
need jq nsenter wetread
client=$top_builddir/bench/client shape=$top_builddir/tools/netshape

# Run by netshape, with a link of the wished kind in place.
inside() {
	exec 9>&1 >&2 # results go to 9, everything else is told on standard error
	E2E_PASSED=1
	SITE=$BENCH_SITE KEYS=$SITE/keys SSH_PORT=$BENCH_PORT
	cp -a "$BENCH_TEMPLATE" "$SITE"
	sed -i "s/^listen *= *127.0.0.1:$SSH_PORT/listen = $NETSHAPE_ADDR:$SSH_PORT/; s/^listen *= *127.0.0.1:.*/listen = off/" "$SITE/wetreadd.conf"
	know_host "$SITE" "$NETSHAPE_ADDR" "$SSH_PORT"
	# shellcheck disable=SC2086 # NETSHAPE_S is a command and its option
	start wetreadd $NETSHAPE_S wetreadd --dir "$SITE"
	far_listens() { $NETSHAPE_C bash -c "exec 3<>/dev/tcp/$NETSHAPE_ADDR/$SSH_PORT"; }
	wait_for 20 "wetreadd listens in its namespace" far_listens || finish
	WHO=(--target "ssh://sup1@$NETSHAPE_ADDR:$SSH_PORT" --identity "$KEYS/sup1" --known-hosts "$SITE/known_hosts")
}
bytes() { "$shape" --count "$NETSHAPE_COUNT"; }
# Nothing on the wire for a quarter of a second and a round trip: what was sent has arrived.
quiet() {
	local was now
	now=$(bytes)
	until [ "$now" = "${was:-}" ]; do
		was=$now
		sleep "${1:-0.25}"
		now=$(bytes)
	done
}
since() { # since COUNTERS: down and up bytes, packets since
	paste -d' ' <(echo "$1") <(bytes) | awk '{ print $7 - $1, $10 - $4, $8 - $2, $11 - $5 }'
}
converse() { # converse ARGUMENTS: a client to tell things, on file descriptors 7 (in) and 8 (out)
	mkfifo "$E2E_DIR/say.$1" "$E2E_DIR/hear.$1"
	# shellcheck disable=SC2086
	$NETSHAPE_C "$client" "${WHO[@]}" "${@:2}" <"$E2E_DIR/say.$1" >"$E2E_DIR/hear.$1" 2>"$E2E_DIR/client.log" &
	PID[client]=$!
	disown
	exec 7>"$E2E_DIR/say.$1" 8<"$E2E_DIR/hear.$1"
	heard
}
heard() { IFS= read -r -t 120 HEARD <&8 || bail "an answer from the bench's client" "$(cat "$E2E_DIR/client.log")"; }
tell() {
	echo "$1" >&7
	heard
}
goodbye() {
	exec 7>&- 8<&-
	stop client
}
events() { "$top_srcdir/bench/rpc.py" "$SITE/run/core.sock" "$@" || bail "the supervisor's commands are done"; }

# The number of the last event a console hears of.
last_live() { ctl audit export --json | jq -s '[.[] | select(.kind | startswith("study.")) | .n] | max'; }

case ${1:-} in
connect) # prints: ms to the first answer, down and up bytes
	inside
	for _ in 1 2 3; do
		quiet 0.7
		c=$(bytes)
		converse "$RANDOM$RANDOM" --no-follow
		# the bytes until the answer is there, before anything else is asked
		echo "$(jq .live <<<"$HEARD") $(since "$c")" >&9
		goodbye
	done
	exit 0
	;;
list)
	inside
	quiet 0.3
	c=$(bytes)
	converse list
	jq -r '"\(.first) \(.live) \(.studies)"' <<<"$HEARD" >&9
	quiet 0.3
	since "$c" >&9
	goodbye
	exit 0
	;;
events)
	inside
	converse events
	quiet 0.5
	tell mark
	# lone ones: each in a write of its own
	c=$(bytes)
	events 60 0.2
	quiet 0.5
	tell mark
	echo "$(since "$c") $(jq -r '"\(.events) \(.p50) \(.p95)"' <<<"$HEARD")" >&9
	# ten to a tick
	c=$(bytes)
	events 400 0.0075
	quiet 0.5
	tell mark
	echo "$(since "$c") $(jq -r '"\(.events) \(.p50) \(.p95)"' <<<"$HEARD")" >&9
	# away while a thousand happen
	tell drop
	quiet 0.5
	events 1000 0
	c=$(bytes)
	tell "resume $(last_live)"
	live=$(jq -r '.live' <<<"$HEARD")
	quiet 0.5
	tell mark
	echo "$live $(since "$c") $(jq -r .events <<<"$HEARD")" >&9
	# nothing to do
	quiet 0.5
	c=$(bytes)
	sleep "${IDLE:-65}"
	echo "$(since "$c") ${IDLE:-65}" >&9
	goodbye
	exit 0
	;;
esac

if ! "$shape" --rtt 1 -- true 2>"$E2E_DIR/shape.log"; then
	cannot "bytes and round trips on the wire" "$(tail -1 "$E2E_DIR/shape.log")"
	exit 0
fi

# The site is made once; each link gets a copy and a coordinator of its own.
site_new sup1 okafor
coordinator_start
demo load --ready --senders 16 --count 5000 >"$E2E_DIR/load.log" || bail "the orders are accepted"
stop wetreadd
export BENCH_TEMPLATE=$SITE BENCH_PORT=$SSH_PORT
with() { # with STEP NETSHAPE-OPTIONS
	BENCH_SITE=$E2E_DIR/site-$1-$RANDOM "$shape" "${@:2}" -- "$0" "$1" 2>"$E2E_DIR/inside.log" || {
		cannot "bench/link.sh $1" "$(grep -v '^#$' "$E2E_DIR/inside.log" | tail -3 | tr '\n' ' ')" >&2
		return 1
	}
}
median() { sort -n | awk '{ v[NR] = $0 } END { print v[int((NR + 1) / 2)] }'; }

declare -A wall
for rtt in 0 100 600; do
	out=$(with connect --rtt $rtt) && [ -n "$out" ] || bail "connecting at $rtt ms" "$(tail -5 "$E2E_DIR/inside.log")"
	wall[$rtt]=$(cut -d' ' -f1 <<<"$out" | median)
	row "connect to the first answer, $rtt ms round trip" "${wall[$rtt]}" ms
done
row "  round trips (600 ms against 0)" "$(awk -v a="${wall[0]}" -v b="${wall[600]}" 'BEGIN { printf "%.2f", (b - a) / 600 }')" RTT '<=' 7.2
row "  IP bytes, both ways" "$(awk '{ print $2 + $3 }' <<<"$out" | median)" B '<=' 4000

mapfile -t out < <(with list --rtt 0)
read -r _ _ studies <<<"${out[0]:-0 0 0}"
read -r down up _ <<<"${out[1]:-0 0 0}"
row "$studies studies, the whole list: IP bytes down" "$((down - 2000))" B '<=' 90000
mapfile -t out < <(with list --rtt 100 --rate 256)
read -r first live _ <<<"${out[0]:-0 0 0}"
# the connection itself, without rows, on the same link
base=$(with connect --rtt 100 --rate 256 | cut -d' ' -f1 | median)
row "  at 256 kbit/s, 100 ms: first page after being connected" "$(awk -v a="$first" -v b="$base" 'BEGIN { printf "%.2f", (a - b) / 1000 }')" s '<=' 0.4
row "  at 256 kbit/s, 100 ms: all of it" "$(awk -v a="$live" 'BEGIN { printf "%.2f", a / 1000 }')" s

mapfile -t out < <(with events --rtt 20)
read -r down up _ _ n p50 p95 <<<"${out[0]:-0 0 0 0 1 0 0}"
row "an event alone on the wire: IP bytes down" "$(awk -v b="$down" -v n="$n" 'BEGIN { printf "%.1f", b / n }')" "B" '<=' 115
row "  and up" "$(awk -v b="$up" -v n="$n" 'BEGIN { printf "%.1f", b / n }')" "B"
row "  from its commit to the console, 20 ms round trip, median / p95" "$p50 / $p95" ms
read -r down up _ _ n p50 p95 <<<"${out[1]:-0 0 0 0 1 0 0}"
row "an event of ten in a tick: IP bytes down" "$(awk -v b="$down" -v n="$n" 'BEGIN { printf "%.1f", b / n }')" "B" '<=' 33
read -r live down up _ _ n <<<"${out[2]:-0 0 0 0 0 0}"
row "back after $n missed events: IP bytes, both ways" "$((down + up))" B
row "  until live, 20 ms round trip" "$live" ms
read -r down up _ _ s <<<"${out[3]:-0 0 0 0 1}"
row "an idle hour (measured: $s s, extrapolated): IP bytes, both ways" "$(((down + up) * 3600 / s))" B
row "  a second" "$(awk -v b="$((down + up))" -v s="$s" 'BEGIN { printf "%.2f", b / s }')" "B/s"
