# ssh_lib.sh - what the tests of the gate and the link share, on top of lib.sh: keys, the echo
# peer behind a gate (tests/lib/echo_core.c: bytes and limits, no studies), stock ssh.
# shellcheck shell=bash
. "${top_srcdir:?}/tests/e2e/lib.sh"
need ssh ssh-keygen wetread-gate
T=$E2E_DIR
PATH=$top_builddir/tests/lib:$PATH
export WETREAD_KNOWN_HOSTS=$T/known
mkdir -p "$HOME/.ssh"

await() { # await SECONDS COMMAND...: until it succeeds
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.02
	done
}
refute() { ! "$@"; }
gone() { # gone PID
	! kill -0 "$1" 2>/dev/null
}

key() { # key NAME [ssh-keygen arguments]
	ssh-keygen -q -N '' -C "$1" -f "$T/$1" "${@:2}"
}
print_of() { ssh-keygen -lf "$T/$1.pub" | cut -d' ' -f2; }
body_of() { cut -d' ' -f1,2 "$T/$1.pub"; } # kind and key, as known_hosts has them

# start_gate NAME [echo_core options --] [gate options]: sets port, core_pid, gate_log
start_gate() {
	local name=$1 core=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		core+=("$1")
		shift
	done
	[ $# -gt 0 ] && shift
	[ -e "$T/host" ] || wetread-gate --make-host-key "$T/host" >"$T/host.print"
	start "$name" echo_core "${core[@]}" -- "$top_builddir/wetread-gate" --core-fd 3 --listen 127.0.0.1:0 \
		--host-key "$T/host" "$@"
	# shellcheck disable=SC2034 # for the tests
	core_pid=${PID[$name]}
	gate_log=$T/$name.log
	wait_for 10 "the gate listens" grep -q '^listening ' "$gate_log" || finish
	port=$(sed -n 's/^listening .*:\([0-9]*\)$/\1/p' "$gate_log")
}

# go [ssh options...]: stock ssh to $port with nothing of this user's own configuration;
# agent names the agent's socket, if one is wanted
agent=none
go() {
	local only=yes
	[ "$agent" = none ] || only=no
	timeout 30 ssh -F none -o BatchMode=yes -o IdentitiesOnly=$only -o IdentityAgent="$agent" \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile="$T/known" -o LogLevel=ERROR -p "$port" "$@"
}
background() { # background NAME OUTPUT COMMAND...: its input held open by descriptor 6
	local name=$1 out=$2
	shift 2
	rm -f "$T/$name.in"
	mkfifo "$T/$name.in"
	"$@" <"$T/$name.in" >"$out" 2>"$T/$name.err" &
	PID[$name]=$!
	disown $!
	exec 6>"$T/$name.in"
}
