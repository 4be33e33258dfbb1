#!/usr/bin/env bash
# check.sh - from a fresh clone to "N passed, N failed": installs what is missing, builds, runs every test.
#
#   contrib/check.sh [--build DIR]       default ./build
set -u -o pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build
if [ "${1:-}" = --build ]; then
	build=${2:?--build needs a directory}
elif [ $# -gt 0 ]; then
	echo "usage: contrib/check.sh [--build DIR]" >&2
	exit 2
fi
"$top/contrib/deps.sh" build run test || exit 1
"$top/contrib/build.sh" --build "$build" || exit 1
echo "check: make check (about three minutes; each test's output is in $build/tests/**/*.log)" >&2
make -C "$build" -j"$(nproc)" check
status=$?
"$top/tools/tally.sh" "$build"
counted=$?
exit $((status != 0 || counted != 0))
