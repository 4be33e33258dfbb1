#!/usr/bin/env bash
# The gate before a real coordinator: stock ssh, the link, and what happens when a part of it dies.
. "${top_srcdir:?}/tests/e2e/ssh_lib.sh"
need jq wetreadd wetreadctl wetread-demo wetread-stdio
site_new adm okafor jdoe
coordinator_start
cp "$SITE/known_hosts" "$T/known"
export WETREAD_KNOWN_HOSTS=$T/known
port=$SSH_PORT
target=ssh://okafor@127.0.0.1:$port

hello='{"jsonrpc":"2.0","id":1,"method":"hello","params":{"version":1,"client":"test"}}'
follow='{"jsonrpc":"2.0","id":2,"method":"queue.follow","params":{"since":0}}'
ask() { # ask KEY USER [ssh options]: hello by stock ssh; what came back
	printf '%s\n%s\n' "$hello" '{"jsonrpc":"2.0","id":2,"method":"ping","params":{}}' |
		go -i "$KEYS/$1" "${@:3}" -s "$2@127.0.0.1" wetread 2>/dev/null
}
is "$(ask okafor okafor | jq -rc 'select(.id == 1).result | .user, .role')" $'okafor\nradiologist' "hello by stock ssh says who one is"
is "$(ask okafor okafor -C | jq -c 'select(.id == 2).result | has("now")')" true "... compressed too, with both answers after the end of input"
is "$(ask okafor jdoe)" "" "a person's key opens nobody else's session"
key stranger -t ed25519
cp "$T/stranger" "$KEYS/stranger"
is "$(ask stranger okafor)" "" "an unknown key opens none"
ctl user set jdoe disabled=1 >/dev/null
is "$(ask jdoe jdoe)" "" "a disabled account gets no session"
ctl user set jdoe disabled= >/dev/null
is "$(ask jdoe jdoe | jq -r 'select(.id == 1).result.user')" jdoe "... until it is enabled again"
is "$(printf '%s\n' "$hello" | wetread-stdio --socket "$SITE/run/core.sock" | jq -c 'select(.id == 1) | has("result") or has("error")')" true \
	"wetread-stdio reaches the same coordinator"

demo load --count 30 --rate 200 --senders 2 >/dev/null 2>&1
printf '%s\n%s\n' "$hello" "$follow" | go -C -i "$KEYS/okafor" -s okafor@127.0.0.1 wetread >"$T/follow" 2>/dev/null
is "$(jq -r 'select(.id == 2).result.mode' "$T/follow")" snapshot "queue.follow answers through the gate"

# ---- the link
export WETREAD_IDENTITY=$KEYS/okafor
seen() { # seen PATTERN N
	[ "$(grep -cE "$1" "$T/session")" -ge "$2" ]
}
background session "$T/session" link_talk --for 100000 --first "$hello" "$target"
holds "the link is live" await 10 seen 'state live' 1
holds "... with the answer to its first line" seen '"user":"okafor"' 1
gate=$(pgrep -P "${PID[wetreadd]}" -f wetread-gate)
kill -KILL "$gate"
holds "a gate that died is started again on the same port" await 10 eval '[ "$(ask okafor okafor | jq -r "select(.id == 1).result.user")" = okafor ]'
echo '{"jsonrpc":"2.0","id":7,"method":"ping","params":{}}' >&6
holds "... and the sessions went on meanwhile" await 5 seen '"id":7' 1
holds "... without a break" refute seen 'state offline' 1
stop wetreadd
holds "the coordinator's end is seen" await 5 seen 'state offline -10' 1
coordinator_start
export WETREAD_KNOWN_HOSTS=$T/known
holds "the link is live again by itself" await 20 seen 'state live' 2
holds "... and said hello again" await 5 seen '"user":"okafor"' 2
ctl key remove "$(ssh-keygen -lf "$KEYS/okafor.pub" | cut -d' ' -f2)" >/dev/null
holds "a session ends when its key is removed" await 10 seen 'state offline' 2
exec 6>&-
finish
