# ssh_lib.sh - what the tests of the SSH parts share: a scratch directory, keys, an echo
# peer behind the gate, waiting for conditions, and an end to everything they started.

set -u
build=${top_builddir:?run me by make check}
T=$(mktemp -d "${TMPDIR:-/tmp}/wetread-ssh.XXXXXX")
started=()
failed=0

stop() { # stop PID: ends one process we started, and waits for it
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}
finish() {
	local status=$? pid
	for pid in "${started[@]}"; do
		stop "$pid"
	done
	[ $status = 0 ] || tail -n 60 "$T"/*.log >&2
	rm -rf "$T"
	exit $status
}
trap finish EXIT
trap 'exit 1' INT TERM

skip() {
	echo "skipped: $1"
	exit 77
}
await() { # await SECONDS COMMAND...: until it succeeds
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		read -rt 0.02 <> <(:) || :
	done
}
check() { # check "what must stay true" COMMAND...
	local name=$1
	shift
	if "$@"; then
		echo "ok      $name"
	else
		echo "NOT OK  $name"
		failed=1
	fi
}
refute() {
	! "$@"
}
done_testing() {
	exit $failed
}

key() { # key NAME [ssh-keygen arguments]
	local name=$1
	shift
	ssh-keygen -q -N '' -C "$name" -f "$T/$name" "$@"
}
print_of() {
	ssh-keygen -lf "$T/$1.pub" | cut -d' ' -f2
}
port_of() { # port_of LOG: where the gate in it listens
	sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$1"
}

# start_gate NAME [echo_core options --] [gate options]: sets port, core_pid, gate_log
start_gate() {
	local name=$1 core=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		core+=("$1")
		shift
	done
	[ $# -gt 0 ] && shift
	gate_log=$T/$name.log
	[ -e "$T/host" ] || "$build/wetread-gate" --make-host-key "$T/host" >"$T/host.print"
	"$build/tests/lib/echo_core" "${core[@]}" -- "$build/wetread-gate" --core-fd 3 --listen 127.0.0.1:0 \
		--host-key "$T/host" "$@" >"$T/$name.out" 2>"$gate_log" &
	core_pid=$!
	started+=("$core_pid")
	await 10 grep -q 'listening on' "$gate_log" || exit 1
	port=$(port_of "$gate_log")
}
# go [ssh options...]: stock ssh to the gate with nothing of this user's own configuration;
# agent names the agent's socket, if one is wanted
agent=none
go() {
	local only=yes
	[ "$agent" = none ] || only=no
	timeout 20 ssh -F none -o BatchMode=yes -o IdentitiesOnly=$only -o IdentityAgent="$agent" \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile="$T/known" -o LogLevel=ERROR -p "$port" "$@"
}
# the link, with nothing of this user's own configuration
talk=(env HOME="$T/home" XDG_STATE_HOME="$T/state" WETREAD_KNOWN_HOSTS="$T/known" "$build/tests/lib/link_talk")
