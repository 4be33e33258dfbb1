#!/usr/bin/env bash
# login.sh - a login's CPU time and a session's memory on the coordinator's host, beside OpenSSH's sshd in the same run
. "${top_srcdir:?}/bench/lib.sh"
need jq ssh sshd wetread wetread-stdio
LOGINS=${LOGINS:-100} SESSIONS=${SESSIONS:-20}
site_new sup1
coordinator_start

# Processor time of a process and of its children that have ended, in ms.
cpu() { awk '{ sub(/.*\) /, ""); print ($12 + $13 + $14 + $15) * 10 }' "/proc/$1/stat"; }
# All living descendants of a process.
tree() {
	local p
	for p in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
		echo "$p"
		tree "$p"
	done
}
private_kb() { for p; do cat "/proc/$p/smaps_rollup" 2>/dev/null; done | awk '/^Private/ { s += $2 } END { print s + 0 }'; }
pss_kb() { for p; do cat "/proc/$p/smaps_rollup" 2>/dev/null; done | awk '/^Pss:/ { s += $2 } END { print s + 0 }'; }

# sshd with the same key, for our own account, and the subsystem that goes on to the coordinator's socket
SSHD_PORT=$(free_port)
make_key "$E2E_DIR/sshd" host
make_key "$KEYS" me
mkdir -p /run/sshd 2>/dev/null || :
cat >"$E2E_DIR/sshd_config" <<CONF
ListenAddress 127.0.0.1
Port $SSHD_PORT
HostKey $E2E_DIR/sshd/host
AuthorizedKeysFile $KEYS/me.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 200
PidFile $E2E_DIR/sshd.pid
Subsystem wetread $top_builddir/wetread-stdio --socket $SITE/run/core.sock
CONF
start sshd "$(command -v sshd)" -D -e -f "$E2E_DIR/sshd_config"
wait_for 10 "sshd listens" listening "$SSHD_PORT" || finish
printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" "$(cut -d' ' -f1,2 "$E2E_DIR/sshd/host.pub")" >"$E2E_DIR/known"
ctl user add me name=Me role=supervisor unix="$(id -un)" >/dev/null || bail "an account for sshd's user"

gate() { pgrep -P "${PID[wetreadd]}" -x wetread-gate; }
SSH=(ssh -F none -o BatchMode=yes -o UserKnownHostsFile="$E2E_DIR/known" -o ControlPath=none -o IdentitiesOnly=yes -i "$KEYS/me" -p "$SSHD_PORT" -T)
HELLO='{"jsonrpc":"2.0","id":1,"method":"hello","params":{"version":1,"client":"bench"}}'
one_sshd() { printf '%s\n' "$HELLO" | "${SSH[@]}" -s "$(id -un)@127.0.0.1" wetread 2>>"$E2E_DIR/sshd-client.log" | grep -q '"result"'; }
one_gate() { printf '%s\n' "$HELLO" | ssh -F none -o BatchMode=yes -o UserKnownHostsFile="$SITE/known_hosts" -o ControlPath=none \
	-o IdentitiesOnly=yes -i "$KEYS/sup1" -p "$SSH_PORT" -T -s sup1@127.0.0.1 wetread 2>>"$E2E_DIR/gate-client.log" | grep -q '"result"'; }

measure() { # measure FUNCTION PID: CPU ms a login
	local before i
	"$1" || return 1
	before=$(cpu "$2")
	for ((i = 0; i < LOGINS; i++)); do "$1" || return 1; done
	awk -v a="$before" -v b="$(cpu "$2")" -v n="$LOGINS" 'BEGIN { printf "%.2f", (b - a) / n }'
}
ours=$(measure one_gate "$(gate)") || bail "logins through the gate" "$(tail -3 "$E2E_DIR/gate-client.log")"
theirs=$(measure one_sshd "${PID[sshd]}") || bail "logins through sshd" "$(tail -3 "$E2E_DIR/sshd-client.log")"
row "processor time of a login, wetread-gate" "$ours" ms '<=' 3
row "  sshd, the same key and subsystem" "$theirs" ms
row "  sshd is dearer by" "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.1f", b / a }')" x

# Idle sessions that follow the queue.
mkfifo "$E2E_DIR/hold"
"$top_builddir/bench/client" --sessions "$SESSIONS" --target "ssh://sup1@127.0.0.1:$SSH_PORT" --identity "$KEYS/sup1" \
	--known-hosts "$SITE/known_hosts" <"$E2E_DIR/hold" >"$E2E_DIR/client.out" 2>&1 &
PID[client]=$!
exec 7>"$E2E_DIR/hold"
wait_for 30 "$SESSIONS sessions follow" grep -q '"live"' "$E2E_DIR/client.out" || finish
mapfile -t procs < <(tree "$(gate)")
row "private memory of a session, wetread-gate" "$(($(private_kb "${procs[@]}") / SESSIONS))" kB '<=' 450
row "  proportional (PSS)" "$(($(pss_kb "${procs[@]}") / SESSIONS))" kB
exec 7>&-
stop client

for ((i = 0; i < SESSIONS; i++)); do
	mkfifo "$E2E_DIR/in$i"
	"${SSH[@]}" -C -s "$(id -un)@127.0.0.1" wetread <"$E2E_DIR/in$i" >"$E2E_DIR/out$i" 2>/dev/null &
	PID[ssh$i]=$!
	eval "exec $((20 + i))>'$E2E_DIR/in$i'"
	printf '%s\n{"jsonrpc":"2.0","id":2,"method":"queue.follow","params":{"since":0,"epoch":""}}\n' "$HELLO" >&$((20 + i))
	wait_for 20 "session $i through sshd" grep -q '"mode"' "$E2E_DIR/out$i" || finish
done
mapfile -t procs < <(tree "${PID[sshd]}")
row "private memory of a session, sshd" "$(($(private_kb "${procs[@]}") / SESSIONS))" kB
row "  proportional (PSS)" "$(($(pss_kb "${procs[@]}") / SESSIONS))" kB
