# lib.sh - sourced by the end-to-end tests: real programs, on 127.0.0.1, in a directory of their own.
# shellcheck shell=bash
#
#     . "${top_srcdir:?}/tests/e2e/lib.sh"
#     need ssh-keygen jq
#     site_new                      a site directory with the demo's people, keys and policy
#     coordinator_start             wetreadd on free ports; $SSH_PORT, $MLLP_PORT
#     as okafor claim 48411073      a one-shot command as this person, over SSH
#     is "$(...)" expected "what must be true"
#     finish                        the last line: fails when anything did, or nothing was checked
#
# No sleeps: wait_for LIMIT WORDS COMMAND tries until the command holds.  What is started here is ended
# here, by its own pid.  A tool that is missing fails the test: a test that skips would pass for green.
set -u -o pipefail
: "${top_srcdir:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
export LC_ALL=C.UTF-8 TZ=UTC WETREAD_TOUR=no # a first start's tour would stand before every screen
unset WETREAD_DIR WETREAD_COORDINATOR WETREAD_IDENTITY WETREAD_KNOWN_HOSTS SSH_AUTH_SOCK

E2E_DIR=$(mktemp -d "${TMPDIR:-/tmp}/wetread-e2e.XXXXXX")
# shellcheck disable=SC2034 # for the tests
KEYS=$E2E_DIR/site/keys DEMO=$top_srcdir/contrib/demo SITE=$E2E_DIR/site
export HOME=$E2E_DIR/home XDG_CONFIG_HOME=$E2E_DIR/home/.config XDG_STATE_HOME=$E2E_DIR/home/.state \
	XDG_CACHE_HOME=$E2E_DIR/home/.cache XDG_DATA_HOME=$E2E_DIR/home/.data
mkdir -p "$HOME"
PATH=$top_builddir:$PATH
declare -A PID=()
E2E_PASSED=0 E2E_FAILED=0

note() { printf '# %s\n' "$*"; }
ok() { # ok WHAT
	E2E_PASSED=$((E2E_PASSED + 1))
	printf 'ok %d - %s\n' $((E2E_PASSED + E2E_FAILED)) "$1"
}
not_ok() { # not_ok WHAT [DETAIL]
	E2E_FAILED=$((E2E_FAILED + 1))
	printf 'not ok %d - %s\n' $((E2E_PASSED + E2E_FAILED)) "$1"
	[ $# -lt 2 ] || sed 's/^/#   /' <<<"$2"
}
is() { # is GOT WANTED WHAT
	if [ "$1" = "$2" ]; then ok "$3"; else not_ok "$3" "got:    $1"$'\n'"wanted: $2"; fi
}
like() { # like GOT REGEX WHAT
	if [[ $1 =~ $2 ]]; then ok "$3"; else not_ok "$3" "got:    $1"$'\n'"wanted: /$2/"; fi
}
holds() { # holds WHAT COMMAND...
	local what=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$what"; else not_ok "$what" "\$ $*"$'\n'"$out"; fi
}
fails() { # fails CODE WHAT COMMAND...: it must exit with just that code
	local code=$1 what=$2 out status
	shift 2
	out=$("$@" 2>&1)
	status=$?
	if [ $status -eq "$code" ]; then ok "$what"; else not_ok "$what" "\$ $*"$'\n'"exit $status, wanted $code: $out"; fi
}
bail() {
	not_ok "$1" "${2:-}"
	finish
}
finish() {
	printf '1..%d\n' $((E2E_PASSED + E2E_FAILED))
	[ $E2E_FAILED -eq 0 ] && [ $E2E_PASSED -gt 0 ]
	exit
}

need() {
	local t
	for t; do
		command -v "$t" >/dev/null 2>&1 || bail "the test needs $t" "fix: contrib/deps.sh build run test, and make"
	done
}

wait_for() { # wait_for SECONDS WHAT COMMAND...
	local limit=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $limit ]; then
			not_ok "$what" "not within the limit: $*"
			return 1
		fi
		sleep 0.05
	done
}

start() { # start NAME COMMAND...: in the background, output in $E2E_DIR/NAME.log, pid in ${PID[NAME]}
	local name=$1
	shift
	"$@" >"$E2E_DIR/$name.log" 2>&1 </dev/null &
	PID[$name]=$!
	disown $! # the shell need not tell how it ended
}
running() { kill -0 "${PID[$1]:-0}" 2>/dev/null; }
stop() { # stop NAME [SIGNAL]: and waits for its end
	local pid=${PID[$1]:-}
	[ -n "$pid" ] || return 0
	unset "PID[$1]"
	kill -s "${2:-TERM}" "$pid" 2>/dev/null
	local limit=$((SECONDS + 10))
	while kill -0 "$pid" 2>/dev/null; do
		[ $SECONDS -lt $limit ] || kill -s KILL "$pid" 2>/dev/null
		sleep 0.02
	done
}

# A port of 127.0.0.1 that nobody listens on: asked of the kernel, so that tests may run side by side.
free_port() { /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# ---- a site and its coordinator

export WETREAD_LIBEXECDIR=$top_builddir
# shellcheck source=contrib/demo/cast.sh
. "$DEMO/cast.sh"
ctl() { wetreadctl --dir "$SITE" "$@"; }

# site_new [LOGIN...]: with $DICOM_PORT also taking images; the demo's sites, policy and senders; these people (default: a handful) and their keys.
site_new() {
	local login names=("$@") p
	[ ${#names[@]} -gt 0 ] || names=(sup1 jdoe adm aud okafor mehta delgado)
	need wetreadctl ssh-keygen
	SSH_PORT=$(free_port) MLLP_PORT=$(free_port)
	{
		ctl init --ssh "127.0.0.1:$SSH_PORT" --hl7 "127.0.0.1:$MLLP_PORT" ${DICOM_PORT:+--dicom "127.0.0.1:$DICOM_PORT"} --admin keeper &&
			load "site add" "$DEMO/sites.ini" &&
			for login in "${names[@]}"; do
				mapfile -t p < <(values "$DEMO/people.ini" "$login")
				ctl user add "$login" "${p[@]}" && make_key "$KEYS" "$login" && ctl key add "$login" "$KEYS/$login.pub" || return
			done &&
			cp "$DEMO/policy.ini" "$DEMO/hl7.ini" "$SITE" && ctl policy apply "$SITE/policy.ini"
	} >"$E2E_DIR/site.log" 2>&1 || bail "a site directory can be made" "$(tail -5 "$E2E_DIR/site.log")"
	know_host "$SITE" 127.0.0.1 "$SSH_PORT"
}
both_listen() { listening "$SSH_PORT" && listening "$MLLP_PORT" && { [ -z "${DICOM_PORT:-}" ] || listening "$DICOM_PORT"; }; }
coordinator_start() {
	need wetreadd
	start wetreadd wetreadd --dir "$SITE"
	wait_for 15 "wetreadd listens" both_listen || finish
	export WETREAD_KNOWN_HOSTS=$SITE/known_hosts WETREAD_DIR=$SITE
}
as() { # as LOGIN COMMAND...: a one-shot command over SSH with this person's key
	local who=$1
	shift
	WETREAD_COORDINATOR=ssh://$who@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/$who wetread "$@"
}
local_as() { # the same over the local socket
	local who=$1
	shift
	wetread --coordinator "unix:$SITE/run/core.sock" --as "$who" "$@"
}
demo() { # demo night|load|... ARGUMENTS: the invented night's messages to this coordinator
	local what=$1
	shift
	wetread-demo "$what" --sites "$DEMO/sites.ini" --to "127.0.0.1:$MLLP_PORT" "$@"
}

e2e_clean() {
	local n
	for n in "${!PID[@]}"; do stop "$n"; done
	if [ $E2E_FAILED -ne 0 ] || [ $E2E_PASSED -eq 0 ]; then
		for n in "$E2E_DIR"/*.log; do
			[ -s "$n" ] && printf -- '# ---- %s\n' "$(basename "$n")" && tail -n 40 "$n" | sed 's/^/# /'
		done
	fi
	rm -rf "$E2E_DIR"
}
trap e2e_clean EXIT
trap 'exit 1' INT TERM HUP
