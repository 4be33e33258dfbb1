#!/usr/bin/env bash
# sync.sh - the agent's way back: live again after an hour without a link in which 500 events happened
. "${top_srcdir:?}/bench/lib.sh"
need jq nsenter wetread wetread-sync
shape=$top_builddir/tools/netshape

bytes() { "$shape" --count "$NETSHAPE_COUNT"; }
since() { paste -d' ' <(echo "$1") <(bytes) | awk '{ print $7 - $1 + $10 - $4 }'; }
quiet() {
	local was now
	now=$(bytes)
	until [ "$now" = "${was:-}" ]; do
		was=$now
		sleep "${1:-0.25}"
		now=$(bytes)
	done
}
agent_up() { # prints ms from the beginning of the connection until it is live, by the agent's own clock
	rm -f "$E2E_DIR/agent.log"
	# shellcheck disable=SC2086 # NETSHAPE_C is a command and its option
	start agent $NETSHAPE_C env WETREAD_IDENTITY="$SITE/keys/okafor" WETREAD_KNOWN_HOSTS="$SITE/known_hosts" \
		XDG_CONFIG_HOME="$XDG_CONFIG_HOME" "$top_builddir/wetread-sync" -c "ssh://okafor@$NETSHAPE_ADDR:$SSH_PORT" --key-file "$E2E_DIR/cache.key" run
	wait_for 60 "the agent is live" grep -q 'live after' "$E2E_DIR/agent.log" || return 1
	sed -n 's/.*live after \([0-9]*\) ms.*/\1/p' "$E2E_DIR/agent.log" | head -1
}

if [ "${1:-}" = back ]; then # prints: ms, bytes both ways
	SITE=$BENCH_SITE SSH_PORT=$BENCH_PORT
	cp -a "$BENCH_TEMPLATE" "$SITE"
	sed -i "s/^listen *= *127.0.0.1:$SSH_PORT/listen = $NETSHAPE_ADDR:$SSH_PORT/; s/^listen *= *127.0.0.1:.*/listen = off/" "$SITE/wetreadd.conf"
	know_host "$SITE" "$NETSHAPE_ADDR" "$SSH_PORT"
	mkdir -p "$XDG_CONFIG_HOME/wetread"
	printf '[sync]\nahead = 0\n' >"$XDG_CONFIG_HOME/wetread/config" # the way back alone, without what is fetched after it
	export XDG_RUNTIME_DIR=$E2E_DIR/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	# shellcheck disable=SC2086
	start wetreadd $NETSHAPE_S wetreadd --dir "$SITE"
	far_listens() { $NETSHAPE_C bash -c "exec 3<>/dev/tcp/$NETSHAPE_ADDR/$SSH_PORT"; }
	wait_for 20 "wetreadd listens in its namespace" far_listens || finish
	agent_up >/dev/null || bail "the agent is live"
	sleep 1.5 # its replica is on the disk
	stop agent
	"$top_srcdir/bench/rpc.py" "$SITE/run/core.sock" 500 0 >&2 || bail "500 events happen"
	quiet 0.7
	c=$(bytes)
	agent_up >"$E2E_DIR/ms" || bail "the agent is live again" # not in a subshell: it is to be ended here
	ms=$(<"$E2E_DIR/ms")
	echo "$ms $(since "$c")"
	E2E_PASSED=1 # so that the logs of our programs are not shown
	exit 0
fi

if ! "$shape" --rtt 1 -- true 2>"$E2E_DIR/shape.log"; then
	cannot "the agent's way back" "$(tail -1 "$E2E_DIR/shape.log")"
	exit 0
fi
site_new sup1 okafor
coordinator_start
demo load --ready --senders 16 --count 2000 >"$E2E_DIR/load.log" || bail "the orders are accepted"
stop wetreadd
export BENCH_TEMPLATE=$SITE BENCH_PORT=$SSH_PORT
with() { BENCH_SITE=$E2E_DIR/site-$RANDOM "$shape" "$@" -- "$0" back 2>>"$E2E_DIR/inside.log"; }

near=$(with --rtt 0) && far=$(with --rtt 600) && slow=$(with --rtt 600 --rate 256) ||
	bail "the way back at each link" "$(tail -5 "$E2E_DIR/inside.log")"
row "live again after 500 events: round trips (600 ms against 0)" \
	"$(awk -v a="${near%% *}" -v b="${far%% *}" 'BEGIN { printf "%.2f", (b - a) / 600 }')" RTT '<=' 7.2
row "  IP bytes until live, both ways" "$(cut -d' ' -f2 <<<"${slow%%$'\n'*}")" B '<=' 40000
row "  at 256 kbit/s and 600 ms, until live" "$(awk -v a="${slow%% *}" 'BEGIN { printf "%.1f", a / 1000 }')" s
