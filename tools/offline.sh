#!/usr/bin/env bash
# offline.sh PROGRAM SEEDS OPERATIONS SECONDS - seeds of tests/sim/offline side by side, begun for so many seconds.
#
# A slow machine does fewer of them, and says how many; what it does is the same everywhere.  Fails when a seed
# fails, or when not even a tenth of them was done.
set -u -o pipefail
program=$1 seeds=$2 operations=$3 seconds=$4 group=4 # a process does a few: it also fails when nothing of a kind happened
out=$(mktemp -d "${TMPDIR:-/tmp}/wetread-offline.XXXXXX") || exit 1
trap 'rm -rf "$out"' EXIT
began=$SECONDS

some() { # some FIRST
	[ $((SECONDS - began)) -lt "$seconds" ] || return 0
	"$program" "$group" "$1" "$operations" >"$out/$1" 2>&1 || mv "$out/$1" "$out/failed-$1"
}
worker() { # worker FIRST STEP
	local seed
	for ((seed = $1; seed <= seeds; seed += $2)); do some "$seed"; done
}
jobs=$(nproc)
for ((n = 1; n <= jobs; n++)); do worker $((n * group - group + 1)) $((jobs * group)) & done
wait

failed=$(find "$out" -name 'failed-*' | wc -l)
all=$(($(find "$out" -type f | wc -l) * group))
cat "$out"/failed-* 2>/dev/null
printf 'offline: %d of %d seeds of %d operations in %d s, %d runs failed\n' "$all" "$seeds" "$operations" $((SECONDS - began)) "$failed"
[ "$failed" -eq 0 ] && [ $((all * 10)) -ge "$seeds" ]
