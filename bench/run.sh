#!/usr/bin/env bash
# run.sh - every bench, with the machine's facts before and a count of met targets after.
#
#   make bench                    all of them (about ten minutes)
#   make bench BENCH='wire hl7'   only these: bench/wire.sh, bench/hl7.sh
#
# All figures of one run come from one machine in one state: ratios (to sshd, to SQLite alone) are of that run.
set -u
: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
: "${top_builddir:=$PWD}"
export top_srcdir top_builddir
BENCH_ROWS=$(mktemp) && export BENCH_ROWS
trap 'rm -f "$BENCH_ROWS"' EXIT

if [ $# -eq 0 ]; then
	for f in "$top_srcdir"/bench/*.sh; do
		f=$(basename "$f" .sh)
		case $f in run | lib) ;; *) set -- "$@" "$f" ;; esac
	done
fi

fact() { printf '  %-14s %s\n' "$1" "$2"; }
echo "machine"
fact cpu "$(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
fact memory "$(awk '/MemTotal/ { printf "%.1f GB", $2 / 1e6 }' /proc/meminfo)"
fact kernel "$(uname -sr), $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)"
fact disk "$(df -PT "${TMPDIR:-/tmp}" | awk 'NR == 2 { print $2 " on " $7 }')"
fact tcp "$(cat /proc/sys/net/ipv4/tcp_congestion_control)"
fact load "$(cut -d' ' -f1-3 /proc/loadavg) at the start"
fact compiler "$(cc --version | head -1)"

failed=0
for b; do
	[ -x "$top_srcdir/bench/$b.sh" ] || {
		echo "there is no bench/$b.sh"
		exit 2
	}
	printf '\n%s\n' "$(sed -n '2s/^# [a-z0-9]*\.sh - //p' "$top_srcdir/bench/$b.sh")"
	"$top_srcdir/bench/$b.sh" || {
		echo "  bench/$b.sh did not finish"
		failed=$((failed + 1))
	}
done
printf '\n%d of %d targets met' "$(grep -c 'met$' "$BENCH_ROWS")" "$(grep -cE 'met$|MISSED' "$BENCH_ROWS")"
printf ', load %s at the end\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
[ $failed -eq 0 ]
