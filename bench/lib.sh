# lib.sh - sourced by the benches: a row a figure, its target beside it.
# shellcheck shell=bash
#
#     row "round trips to the first answer" 7.07 RTT '<=' 7.2
#
# prints the figure, the target, and whether it is met.  A bench that cannot run here says why with
# `cannot` and that counts as a miss: a figure that was not measured was not met.
. "${top_srcdir:?run it by make bench}/tests/e2e/lib.sh"

row() { # row WHAT VALUE UNIT [OP TARGET]
	local verdict=
	E2E_PASSED=1 # so that the logs of our programs are not shown at the end
	if [ $# -ge 5 ]; then
		if awk -v v="$2" -v t="$5" -v op="$4" 'BEGIN { exit !(op == "<=" ? v <= t : v >= t) }'; then
			verdict="[$4 $5 $3] met"
		else
			verdict="[$4 $5 $3] MISSED"
		fi
	fi
	printf '  %-58s %12s %-10s %s\n' "$1" "$2" "$3" "$verdict"
	[ -z "${BENCH_ROWS:-}" ] || printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$verdict" >>"$BENCH_ROWS"
}
cannot() { # cannot WHAT WHY
	printf '  %-58s %12s %-10s %s\n' "$1" - "" "NOT MEASURED: $2"
	[ -z "${BENCH_ROWS:-}" ] || printf '%s\t-\t\tMISSED: %s\n' "$1" "$2" >>"$BENCH_ROWS"
}
