#!/usr/bin/env bash
# tally.sh - adds up what `make check` left in BUILD: "N passed, N failed".
#
#   tools/tally.sh BUILD [BUILD...]
#
# A cmocka program counts its cases, anything else counts as one.  A test that was
# skipped, or ended in error, counts as failed: what did not run did not pass.
set -u
[ $# -gt 0 ] || {
	echo "usage: tally.sh BUILD..." >&2
	exit 2
}
passed=0 failed=0
cases() { # cases LOG WORD: cmocka's own count, else nothing
	grep -aoE "^\[ +$2 +\] [a-z_:, ]*[0-9]+ test" "$1" 2>/dev/null | grep -oE '[0-9]+ test' | tail -1 | grep -oE '[0-9]+'
}
while IFS= read -r trs; do
	log=${trs%.trs}.log
	while read -r result; do
		ok=$(cases "$log" PASSED) bad=$(cases "$log" FAILED)
		case $result in
		PASS) passed=$((passed + ${ok:-1})) ;;
		*)
			passed=$((passed + ${ok:-0})) failed=$((failed + ${bad:-1}))
			printf '%s: %s (%s)\n' "$result" "$(basename "${trs%.trs}")" "$log" >&2
			;;
		esac
	done < <(sed -n 's/^:test-result: \([A-Z]*\).*/\1/p' "$trs")
done < <(find "$@" -name '*.trs' -not -path '*/_inst/*' | sort)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
