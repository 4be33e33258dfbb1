#!/usr/bin/env bash
# The coordinator as a process: its socket, its children, its signals.
. "${top_srcdir:?}/tests/e2e/lib.sh"
need jq /usr/bin/python3
DIR=$E2E_DIR/site
SOCK=$DIR/run/core.sock
"$top_builddir/tests/lib/seed" "$DIR" --ssh --hl7 --studies 300 || bail "a site directory can be made"
wetread-gate --make-host-key "$DIR/host_key" >/dev/null || bail "a host key can be made"
cp "$DEMO/hl7.ini" "$DIR"
talk() { /usr/bin/python3 "$top_srcdir/tests/lib/talk.py" "$SOCK" "$@"; }
ready() { grep -q ^ready "$E2E_DIR/wetreadd.log"; }
up() {
	rm -f "$E2E_DIR/wetreadd.log"
	start wetreadd wetreadd --dir "$DIR"
	wait_for 15 "it says that it is ready" ready || finish
}
field() { grep ^ready "$E2E_DIR/wetreadd.log" | tail -1 | grep -o "$1=[^ ]*" | cut -d= -f2; }
status() { talk sup1 coord.status; }

up
like "$(grep ^ready "$E2E_DIR/wetreadd.log")" "^ready ssh=127\.0\.0\.1:[0-9]+ hl7=127\.0\.0\.1:[0-9]+ socket=$SOCK$" \
	"the line says where it listens"
is "$(cat "$DIR/run/wetreadd.pid")" "${PID[wetreadd]}" "the pid file has its pid"
holds "SSH is listened for there" listening "$(field ssh | cut -d: -f2)"
holds "HL7 is listened for there" listening "$(field hl7 | cut -d: -f2)"
is "$(status | jq -r '[.pid, .studies, .disk] | join(" ")')" "${PID[wetreadd]} 300 ok" "coord.status knows"
is "$(status | jq -r '.sessions[] | select(.user == "sup1") | .via')" local "and lists its own session"
fails 1 "a second coordinator is refused" wetreadd --dir "$DIR"
holds "which did not take the socket away" talk okafor ping

# commands
is "$(talk okafor study.claim '{"op":"a","study":17,"tx":"t"}' study.show '{"study":17}' | tail -1 | jq -r .study.reader)" okafor \
	"a claim is seen by what follows it in the same write"
is "$(talk lind study.claim '{"op":"b","study":17,"tx":"u"}' | jq -r '.name + " " + .by')" "taken okafor" "the second is told who was first"
is "$(talk okafor study.claim '{"op":"a","study":17,"tx":"t"}' | jq .study)" 17 "the same op has the same answer"

# children
gate=$(pgrep -P "${PID[wetreadd]}" -f wetread-gate) hl7=$(pgrep -P "${PID[wetreadd]}" -f wetread-hl7) port=$(field hl7)
kill -9 "$hl7" "$gate"
back() { [ "$(status | jq -r "[.ssh_restarts, .hl7_restarts] | join(\" \")")" = "1 1" ] && listening "${port##*:}" && listening "$(field ssh | cut -d: -f2)"; }
wait_for 15 "killed children are started again, where they were" back && ok "killed children are started again, where they were"
is "$(talk sup1 ping | jq 'has("now")')" true "and sessions did not notice"

# settings
sed -i '/^\[hl7\]/,/^\[/s/^listen = .*/listen = off/' "$DIR/wetreadd.conf"
kill -HUP "${PID[wetreadd]}"
off() { [ "$(status | jq -r .hl7)" = off ] && ! listening "${port##*:}"; }
wait_for 10 "SIGHUP makes it follow its settings" off && ok "SIGHUP makes it follow its settings"
printf '[nonsense]\nx = 1\n' >>"$DIR/wetreadd.conf"
kill -HUP "${PID[wetreadd]}"
complains() { grep -q "the settings stay as they were" "$E2E_DIR/wetreadd.log"; }
wait_for 10 "settings that make no sense are not followed" complains && ok "settings that make no sense are not followed"
holds "and it lives on" talk sup1 ping
sed -i '/^\[nonsense\]/,$d' "$DIR/wetreadd.conf"

# a crowd that follows
start follower /usr/bin/python3 "$top_srcdir/tests/lib/talk.py" "$SOCK" sup1 --follow 4
followed() { [ "$(grep -c queue.page "$E2E_DIR/follower.log")" = 2 ]; }
wait_for 10 "a follower gets its pages" followed && ok "a follower gets its pages"
talk kim study.note '{"op":"n1","study":3,"text":"x"}' study.note '{"op":"n2","study":3,"text":"y"}' >/dev/null
ended() { ! running follower; }
wait_for 10 "and then what happens" ended && is "$(grep -c 'queue.event "study.noted"' "$E2E_DIR/follower.log")" 2 "and then what happens"

# not what it was made for
printf 'GET / HTTP/1.1\r\n\r\n' >"$E2E_DIR/junk"
junk() { /usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(5)
s.connect(sys.argv[1])
try:
    s.sendall(open(sys.argv[2], "rb").read())
    for line in s.makefile():
        print(line.strip())
except (BrokenPipeError, ConnectionResetError):
    pass
print("ended")' "$SOCK" "$1"; }
like "$(junk "$E2E_DIR/junk")" '"name":"syntax".*ended$' "junk is refused and the connection ends"
head -c 1200000 /dev/zero | tr '\0' x >"$E2E_DIR/long"
like "$(junk "$E2E_DIR/long")" 'ended$' "a line without an end is, too"

# the end
children=$(pgrep -P "${PID[wetreadd]}")
stop wetreadd
is $? 0 "SIGTERM ends it with success"
gone() { for p in $children; do kill -0 "$p" 2>/dev/null && return 1; done; true; }
wait_for 5 "its children are gone" gone && ok "its children are gone"
is "$(ls "$DIR/run")" "" "socket and pid file are gone"
holds "the record is whole" wetreadctl --dir "$DIR" journal verify

# a socket that a crash left behind is no obstacle; systemd is told
/usr/bin/python3 - "$E2E_DIR/notify" >"$E2E_DIR/told.log" 2>&1 <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(20)
print(s.recv(100).decode())
PY
PID[notify]=$!
bound() { [ -S "$E2E_DIR/notify" ]; }
wait_for 5 "somebody listens as systemd does" bound
export NOTIFY_SOCKET=$E2E_DIR/notify
up
unset NOTIFY_SOCKET
wait "${PID[notify]}"
unset "PID[notify]"
is "$(cat "$E2E_DIR/told.log")" "READY=1" "systemd is told when it is ready"
stop wetreadd KILL
up
is "$(talk okafor study.show '{"study":17}' | jq -r .study.reader)" okafor "after kill -9 it comes up with what it had"
finish
