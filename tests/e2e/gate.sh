#!/usr/bin/env bash
# The gate and stock ssh: who gets in, what is refused, and that bytes arrive whole.
. "${top_srcdir:?}/tests/e2e/ssh_lib.sh"

export ASAN_OPTIONS=${ASAN_OPTIONS-}:quarantine_size_mb=1 # memory is measured here

key good -t ed25519
key ecdsa -t ecdsa -b 256
key rsa -t rsa -b 2048
key stranger -t ed25519
start_gate main --allow "$(print_of good)" --allow "$(print_of ecdsa)" --allow "$(print_of rsa)" -- --grace 4
main_log=$gate_log

# ---- letting in
echoes() { # echoes KEY...: does a line come back?
	[ "$(echo hello | go -i "$T/$1" "${@:2}" -s okafor@127.0.0.1 wetread)" = hello ]
}
for k in good ecdsa rsa; do
	holds "a known $k key is let in" echoes $k
done
holds "the log says who came in and with what" grep -q "okafor from 127.0.0.1:[0-9]*: let in with ssh-ed25519 $(print_of good)" "$main_log"
holds "a probe comes before the signature" grep -q 'auth okafor probe yes' "$main_log"
holds "an unknown key is refused" refute echoes stranger
holds "an unknown key is never asked for a signature" refute grep -q 'auth okafor sign no' "$main_log"
holds "passwords are not offered" grep -q 'Permission denied (publickey)' <(go -i "$T/stranger" -o LogLevel=INFO -s okafor@127.0.0.1 wetread 2>&1 </dev/null)
holds "a user name of 300 bytes is refused" refute go -i "$T/good" -l "$(printf 'a%.0s' {1..300})" -s 127.0.0.1 wetread </dev/null 2>/dev/null

key ca -t ed25519
ssh-keygen -q -s "$T/ca" -I okafor -n okafor "$T/good.pub"
holds "a certificate is refused, whatever its key" refute echoes good -o CertificateFile="$T/good-cert.pub" \
	-o PubkeyAcceptedAlgorithms=ssh-ed25519-cert-v01@openssh.com
many=()
for i in 1 2 3 4 5 6 7; do
	key "wrong$i" -t ed25519
	many+=(-i "$T/wrong$i")
done
before=$(grep -c 'auth okafor probe no' "$main_log")
go "${many[@]}" -i "$T/good" -s okafor@127.0.0.1 wetread </dev/null 2>/dev/null
holds "the seventh key is not looked at" [ "$(grep -c 'auth okafor probe no' "$main_log")" = $((before + 6)) ]
holds "too many keys are logged as such" await 2 grep -q 'too many keys' "$main_log"

# ---- refusing everything else
refused() { # refused TEXT ssh-arguments...
	local text=$1
	shift
	go -i "$T/good" "$@" </dev/null >"$T/refused" 2>&1 && return 1
	grep -q "$text" "$T/refused"
}
holds "a command is refused" refused 'exec request failed' okafor@127.0.0.1 id
holds "a shell is refused" refused 'shell request failed' -T okafor@127.0.0.1
holds "a terminal is refused" refused 'PTY allocation request failed' -tt okafor@127.0.0.1
holds "sftp is refused" refused 'subsystem request failed' -s okafor@127.0.0.1 sftp
for name in Wetread wetread2 wetrea 'wetread '; do
	holds "subsystem \"$name\" is refused" refused 'subsystem request failed' -s okafor@127.0.0.1 "$name"
done
holds "forwarding out is refused" refused 'stdio forwarding failed' -W 127.0.0.1:22 okafor@127.0.0.1
holds "forwarding in is refused" refused 'remote port forwarding failed' -o ExitOnForwardFailure=yes -N -R 0:127.0.0.1:22 okafor@127.0.0.1
second_channel() { # over a master connection, while the first channel is in use
	background master /dev/null go -i "$T/good" -M -S "$T/master" -s okafor@127.0.0.1 wetread
	await 5 test -S "$T/master"
	go -S "$T/master" -s okafor@127.0.0.1 wetread </dev/null
	local rc=$?
	exec 6>&-
	[ $rc != 0 ]
}
holds "a second channel is refused" second_channel

# ---- bytes
seq 1 400000 >"$T/many"
whole() { # whole ssh-arguments...: 2.6 MB there and back, unchanged, with rekeys under way
	go -i "$T/good" -o RekeyLimit=128K "$@" -s okafor@127.0.0.1 wetread <"$T/many" | cmp - "$T/many"
}
holds "bytes come back whole through rekeys" whole -C
holds "the same without compression" whole -o Compression=no
holds "the same with aes-gcm" whole -c aes256-gcm@openssh.com
flood() {
	[ "$(echo 'flood 30000000' | go -i "$T/good" -C -s okafor@127.0.0.1 wetread | wc -c)" -ge 30000000 ]
}
holds "what the core sends after the client's end of input arrives whole" flood
exit_zero() {
	go -i "$T/good" -s okafor@127.0.0.1 wetread <<<bye >/dev/null
}
holds "the core's close ends the client with status 0" exit_zero

# ---- backpressure: neither side's deafness may fill the memory
biggest() { # the largest session process of this gate, in kB
	local pid
	for pid in $(pgrep -P "$(pgrep -P "$core_pid")"); do
		awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2>/dev/null
	done | sort -n | tail -1
}
grows_less() { # grows_less FROM KB
	for _ in {1..50}; do
		[ $(($(biggest) - $1)) -lt "$2" ] || return 1
		sleep 0.02
	done
}
deaf_client() {
	mkfifo "$T/unread"
	exec 9<>"$T/unread"
	background flooded "$T/unread" go -C -i "$T/good" -s okafor@127.0.0.1 wetread
	await 5 eval '[ "$(biggest)" -gt 0 ]'
	local rc before
	before=$(biggest)
	echo 'flood 60000000' >&6
	grows_less "$before" 4000
	rc=$?
	exec 6>&- 9<&-
	return $rc
}
holds "a client that does not read costs no memory" deaf_client
deaf_core() {
	background flooding /dev/null go -C -i "$T/good" -s okafor@127.0.0.1 wetread
	await 5 eval '[ "$(biggest)" -gt 0 ]'
	local rc before
	before=$(biggest)
	(echo deaf; cat "$T/many" "$T/many" "$T/many" "$T/many") >&6 2>/dev/null &
	PID[feeder]=$!
	grows_less "$before" 6000 && running flooding # it waits; it is not thrown out
	rc=$?
	exec 6>&-
	return $rc
}
holds "a core that does not read costs no memory" deaf_core

# ---- hostile and slow
key dsa -t dsa 2>/dev/null
holds "a key of an old kind is refused" refute echoes dsa -o PubkeyAcceptedAlgorithms=+ssh-dss
# To a signature that does not verify the library gives no answer at all.
start bad_agent /usr/bin/python3 "$top_srcdir/tests/e2e/bad_agent.py" "$T/bad_agent" "$T/good.pub"
await 5 test -S "$T/bad_agent"
wedged() {
	agent=$T/bad_agent
	go -s okafor@127.0.0.1 wetread </dev/null >/dev/null 2>&1
}
wedged &
wedged_pid=$!
holds "others get in while a bad signature hangs" echoes good
holds "it is still hanging" kill -0 $wedged_pid
wait $wedged_pid
holds "the hang ends with the grace" [ $? = 255 ]
holds "... and the log says so" await 6 grep -q 'not let in: no login in time' "$main_log"
garbage() {
	head -c 100000 /dev/urandom >"/dev/tcp/127.0.0.1/$port"
}
holds "garbage instead of a banner does no harm" eval 'garbage 2>/dev/null; echoes good'
idle() { # let in, but asks for nothing
	go -i "$T/good" -N okafor@127.0.0.1 >/dev/null 2>&1
	[ $? != 124 ]
}
holds "a client that asks for no subsystem is sent away" idle
holds "no session process broke the sandbox" refute grep -q 'was killed' "$main_log"

# ---- crowds
start_gate crowd --allow "$(print_of good)" -- --grace 6 --max-unauth 12 --max-per-source 8
for fd in {20..49}; do # in this shell, so that they stay
	eval "exec $fd<>/dev/tcp/127.0.0.1/$port" 2>/dev/null || :
done
holds "one address gets no more places than its share" await 5 grep -q 'refused: this address has too many' "$gate_log"
waiting() { pgrep -P "$(pgrep -P "$core_pid")" | wc -l; }
is "$(waiting)" 8 "... which is eight"
holds "... while others still get in" echoes good -b 127.0.0.2
is "$(waiting)" 8 "... and the flood still has its eight"
holds "the flood is over with the grace" await 12 echoes good
for fd in {20..49}; do
	eval "exec $fd>&-" 2>/dev/null
done

# ---- the core
start_gate silent --allow any --silent -- --grace 2
holds "nobody is let in by a core that does not answer" refute echoes good
holds "... and the log says so" await 5 grep -q 'not let in: the coordinator does not answer' "$gate_log"
start_gate last --allow any
background orphan /dev/null go -i "$T/good" -s okafor@127.0.0.1 wetread
await 5 grep -q 'let in' "$gate_log"
gate_pid=$(pgrep -P "$core_pid") client_pid=${PID[orphan]}
stop last
holds "without its core the listener exits" await 5 gone "$gate_pid"
holds "... and sessions end" await 5 gone "$client_pid"

finish
