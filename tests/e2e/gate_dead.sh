#!/usr/bin/env bash
# A peer that goes silent without a goodbye - a cut line, not a closed connection - is found by
# the gate within 40 s and by the link within 30 s and a little.  Needs root, for network namespaces.
. "$(dirname "$0")/ssh_lib.sh"

[ "$(id -u)" = 0 ] && command -v ip >/dev/null || skip "needs root and ip(8)"
ns=wr$$
ip netns add $ns 2>/dev/null || skip "no network namespaces here"
undo() {
	ip netns del $ns
	finish
}
trap undo EXIT
ip link add v0$ns type veth peer name v1$ns netns $ns || exit 1
ip addr add 10.213.7.1/30 dev v0$ns && ip link set v0$ns up
ip -n $ns addr add 10.213.7.2/30 dev v1$ns && ip -n $ns link set v1$ns up && ip -n $ns link set lo up

key good -t ed25519
start_gate dead --allow "$(print_of good)" -- --listen 10.213.7.1:0
mkdir -p "$T/home"
echo "[10.213.7.1]:$port $(cut -d' ' -f1,2 "$T/host.pub")" >"$T/known"
mkfifo "$T/hold"
ip netns exec $ns timeout 120 ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$T/known" \
	-i "$T/good" -p "$port" -s quiet@10.213.7.1 wetread <"$T/hold" >/dev/null 2>&1 &
started+=($!)
exec 6>"$T/hold"
WETREAD_IDENTITY=$T/good ip netns exec $ns "${talk[@]}" --for 120000 --first hello "ssh://loud@10.213.7.1:$port" \
	</dev/null >"$T/session" 2>&1 &
started+=($!)
check "both are let in" eval 'await 10 grep -q "quiet from .*let in" "$gate_log" && await 10 grep -q "state live" "$T/session"'
cut=$SECONDS
ip -n $ns link set v1$ns down
check "the link says stale first" await 28 grep -q 'state stale' "$T/session"
check "the link finds the line dead" await 12 grep -q 'state offline -14' "$T/session"
check "... within 31 s" [ $((SECONDS - cut)) -le 31 ]
check "the gate drops the idle peer" await 41 grep -q 'quiet from .* the client hung up' "$gate_log"
check "... within 40 s" [ $((SECONDS - cut)) -le 40 ]
ip -n $ns link set v1$ns up
check "the link is live again when the line is" await 25 eval '[ "$(grep -c "state live" "$T/session")" = 2 ]'
done_testing
