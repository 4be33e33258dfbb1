#!/usr/bin/env bash
# The link through the gate: whom it trusts, which key it takes, and that it comes back.
. "${top_srcdir:?}/tests/e2e/ssh_lib.sh"

key good -t ed25519
key rsa -t rsa -b 2048
ssh-keygen -q -t ed25519 -N 'correct horse' -C locked -f "$T/locked"
start_gate main --allow "$(print_of good)" --allow "$(print_of rsa)" --allow "$(print_of locked)" -- --max-per-source 64
main_log=$gate_log
main_core=$core_pid
target=ssh://okafor@127.0.0.1:$port
host_line="[127.0.0.1]:$port $(body_of host)"
know() { # known_hosts has these lines
	printf '%s\n' "$@" >"$T/known"
}
said() { # said PATTERN [TEXT]: in what the last run printed
	grep -qE "$1" "$T/out" && grep -qF "${2-}" "$T/out"
}
run() { # run link_talk-arguments...: until offline, or the first line
	link_talk --for 60000 --quit-offline --quit-lines 1 --first hello "$@" </dev/null >"$T/out" 2>&1
}
hears() { # hears link_talk-arguments...: did the first line come back?
	run "$@"
	said 'line hello'
}
export WETREAD_IDENTITY=$T/good

# ---- the host's key
know
holds "an unknown host is asked about, with its fingerprint" eval 'run --answer no "$target"; said "ask host .127.0.0.1.:$port" " key is $(cat "$T/host.print")"'
holds "... and no means no" eval 'said "state offline -12 -1 .*was not accepted" && [ ! -s "$T/known" -o "$(wc -l <"$T/known")" = 1 ]'
holds "... and yes means yes" hears --answer yes "$target"
holds "... and is remembered" grep -qF "$host_line" "$T/known"
holds "a known host is not asked about" eval 'hears "$target" && ! said ask'
ssh-keygen -qHf "$T/known" >/dev/null 2>&1
holds "a hashed entry is known too" eval '! grep -qF 127.0.0.1 "$T/known" && hears "$target" && ! said ask'
know '# a comment' '' "	[127.0.0.1]:*	$(body_of host | tr ' ' '\t')"
holds "a pattern with tabs is known too" eval 'hears "$target" && ! said ask'
key other -t ed25519
other_line="[127.0.0.1]:$port $(body_of other)"
know '# first' "$other_line"
holds "a changed key is refused" eval 'run --answer yes "$target"; said "state offline -12 -1 the host key of .* has changed"'
holds "... naming file and line" said "$T/known:2"
holds "... and both fingerprints" said . "says $(print_of other), the host shows $(cat "$T/host.print")"
know "[127.0.0.1]:$port $(body_of rsa)"
holds "a host known by another kind of key is refused" eval 'run --answer yes "$target"; said "state offline -12 -1 .*has changed"'
know "$host_line" "@revoked * $(body_of host)"
holds "a revoked key is refused though it is known" eval 'run --answer yes "$target"; said "state offline -12 -1 .*is revoked by $T/known:2"'
know "$host_line" "@revoked elsewhere $(body_of host)" "@cert-authority * $(body_of other)"
holds "revoked elsewhere and authorities are no matter" hears "$target"
know "$other_line" "$host_line"
holds "one of several keys of a host is enough" hears "$target"
know "$host_line"

# ---- the user's key
WETREAD_IDENTITY=$T/rsa holds "an RSA key is let in" hears "$target"
key stranger -t ed25519
WETREAD_IDENTITY=$T/stranger holds "an unknown key is told so" eval 'run "$target"; said "state offline -11 [0-9]+ .*let none of your keys in as okafor"'
WETREAD_IDENTITY=$T/nothing holds "a missing key file is named" eval 'run "$target"; said "state offline -11 .*$T/nothing: No such file"'
export WETREAD_IDENTITY=$T/locked
holds "a passphrase is asked for" eval 'hears --answer "correct horse" "$target"; said "ask passphrase Passphrase for $T/locked" && said "line hello"'
holds "a wrong one is asked for again, three times" eval 'run --answer wrong "$target"; [ $(grep -c "ask passphrase" "$T/out") = 3 ] && said "state offline -11"'
holds "none at all is no login" eval 'run --answer no "$target"; said "state offline -11"'
start agent ssh-agent -D -a "$T/agent"
export SSH_AUTH_SOCK=$T/agent
await 30 test -S "$T/agent"
for i in 1 2 3 4; do
	key "agent$i" -t ed25519
	ssh-add -q "$T/agent$i"
done
printf '#!/bin/sh\necho correct horse\n' >"$T/askpass"
chmod +x "$T/askpass"
SSH_ASKPASS=$T/askpass SSH_ASKPASS_REQUIRE=force ssh-add -q "$T/locked"
holds "the agent's key is taken rather than a passphrase asked" eval 'hears "$target" && ! said ask'
unset WETREAD_IDENTITY
rm -rf "$XDG_STATE_HOME"
asked() {
	grep -c 'auth okafor' "$main_log"
}
before=$(asked)
holds "the agent's fifth key is found" hears "$target"
holds "... after the others were offered" [ $(($(asked) - before)) = 6 ]
before=$(asked)
holds "the next time it is offered first" hears "$target"
holds "... and no other is" [ $(($(asked) - before)) = 2 ]
ssh-add -qd "$T/locked.pub" 2>/dev/null
cp "$T/good" "$HOME/.ssh/id_ed25519"
holds "the usual key file is found when the agent has none that fits" hears "$target"
before=$(asked)
holds "the next time it signs at once" hears "$target"
holds "... with a single question to the core" [ $(($(asked) - before)) = 1 ]

# ---- where to
printf 'Host reading-room\n HostName 127.0.0.1\n Port %s\n User okafor\n IdentityFile %s\n' "$port" "$T/rsa" >"$HOME/.ssh/config"
rm -rf "$XDG_STATE_HOME"
holds "a Host of ~/.ssh/config is understood" hears reading-room
holds "... with its user and key" grep -q "okafor from .* let in with ssh-rsa" "$main_log"
printf 'Host bastion\n HostName 127.0.0.1\n Port %s\n User okafor\n ProxyCommand nc 127.0.0.1 %s\n' "$port" "$port" >>"$HOME/.ssh/config"
if command -v nc >/dev/null; then
	holds "a ProxyCommand is used" hears bastion
fi
holds "nobody at home is offline, to be tried again" eval 'run ssh://okafor@127.0.0.1:1; said "state offline -10 [0-9]+ .*refused"'
holds "no such name is offline" eval 'run ssh://okafor@host.invalid; said "state offline -10"'
start core echo_core --unix "$T/core.sock"
await 30 test -S "$T/core.sock"
holds "a local socket needs no key" hears "unix:$T/core.sock"
holds "a missing local socket is named" eval 'run "unix:$T/none.sock"; said "state offline -10 .*$T/none.sock: No such file"'

# ---- staying up
came_back() { # came_back N: so many connections were made and heard from; a slow machine makes `live` come and go
	times ' line hello$' "$1"
}
session() { # session TARGET: the link in the background, fed by descriptor 6, printing to $T/session
	background session "$T/session" link_talk --for 300000 --first hello "$1"
	await 30 came_back 1
}
times() { # times PATTERN N: seen N times in the session by now
	[ "$(grep -cE "$1" "$T/session")" -ge "$2" ]
}
session "$target"
echo bye >&6
holds "the link comes back after the core hung up" await 30 came_back 2
holds "... and asked for the first lines again" times ' connect$' 2
pkill -KILL -P "$(pgrep -P "$main_core")"
holds "the link comes back after a session process died" await 30 came_back 3
carrier=$(pgrep -P "${PID[session]}")
kill -KILL "$carrier"
holds "the link comes back after its own SSH process died" await 30 came_back 4
carrier=$(pgrep -P "${PID[session]}")
seq 100000 | sed 's/$/ abcdefghijklmnopqrstuvwxyz/' >"$T/lines"
for last in 20000 40000 60000 80000 100000; do # a link takes 4 MiB that the other end has not: all at once is more
	sed -n "$((last - 19999)),${last}p" "$T/lines" >&6
	await 60 times " line $last abc" 1
done
holds "a hundred thousand lines come back in order" eval 'diff -q <(sed -n "s/^ *[0-9]* line \([0-9]* abc\)/\1/p" "$T/session") <(sed "s/ abcd/ abcd/" "$T/lines")'
printf '%1100000s\n' x >&6
holds "a line of more than 1 MiB is not sent" await 30 times 'unsent -6' 1
printf '%1000000s\n' y >&6
holds "a line just under it comes back" await 30 awk 'length > 900000 { found = 1 } END { exit !found }' "$T/session"
echo '!age' >&6
holds "round trip and age are known" await 30 times 'rtt [0-9]+ age [0-9]+' 1
exec 6>&-
stop session
holds "nothing is left behind by a link that was killed" await 30 gone "$carrier"
session "unix:$T/core.sock"
echo 'flood 1300000' >&6
echo bye >&6
holds "a local link comes back too" await 30 came_back 2

finish
