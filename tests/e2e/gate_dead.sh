#!/usr/bin/env bash
# A peer that goes silent without a goodbye - a cut line, not a closed connection - is found by
# the gate within 40 s and by the link within 30 s and a little.  In network namespaces of its own.
[ "${1-}" = inside ] || exec unshare --net --map-root-user "$0" inside
. "${top_srcdir:?}/tests/e2e/ssh_lib.sh"
need ip nsenter

start far unshare --net sleep 120
far=${PID[far]}
other_net() { [ "$(readlink "/proc/$far/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
wait_for 5 "a second namespace" other_net || finish
far() { nsenter -t "$far" -n "$@"; }
ip link add near0 type veth peer name far0 netns "$far" || bail "a pair of interfaces can be made"
ip addr add 10.213.7.1/30 dev near0 && ip link set near0 up && ip link set lo up
far ip addr add 10.213.7.2/30 dev far0 && far ip link set far0 up

key good -t ed25519
start_gate dead --allow "$(print_of good)" -- --listen 10.213.7.1:0
echo "[10.213.7.1]:$port $(body_of host)" >"$T/known"
background quiet /dev/null nsenter -t "$far" -n ssh -F none -o BatchMode=yes -o UserKnownHostsFile="$T/known" -i "$T/good" -p "$port" \
	-s quiet@10.213.7.1 wetread
export WETREAD_IDENTITY=$T/good
start session nsenter -t "$far" -n "$top_builddir/tests/lib/link_talk" --for 120000 --first hello "ssh://loud@10.213.7.1:$port"
both_in() { grep -q 'quiet from .*let in' "$gate_log" && grep -q 'state live' "$T/session.log"; }
wait_for 10 "both are let in" both_in || finish
cut=$SECONDS
far ip link set far0 down
holds "the link says stale first" await 28 grep -q 'state stale' "$T/session.log"
# by its own clock, or a moment sooner because the system gave the connection up
holds "the link finds the line dead" await 12 grep -qE 'state offline -1[04]' "$T/session.log"
holds "... within 31 s" [ $((SECONDS - cut)) -le 31 ]
holds "the gate drops the idle peer" await 41 grep -q 'quiet from .* the client hung up' "$gate_log"
holds "... within 40 s" [ $((SECONDS - cut)) -le 40 ]
far ip link set far0 up
live_again() { [ "$(grep -c 'state live' "$T/session.log")" = 2 ]; }
holds "the link is live again when the line is" await 25 live_again
finish
