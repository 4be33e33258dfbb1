#!/usr/bin/env bash
# sub-build.sh - a build with other flags, below the current build directory, and its tests.
#
#   asan    address and undefined-behaviour sanitizers: every test
#   cover   line coverage of every test, by gcovr (cover/index.html)
#   fuzz    libFuzzer: each fuzzer for FUZZ_SECONDS (10) from its corpus
set -u -o pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
kind=${1:?asan, cover or fuzz}
mkdir -p "$kind" && cd "$kind" || exit 1

die() {
	printf '%s: error: %s\n' "$kind" "$1" >&2
	exit 1
}
set_up() { # set_up CONFIGURE-ARGUMENTS...
	if [ ! -e config.status ] || [ "$top/configure" -nt config.status ]; then
		"$top/configure" --quiet "$@" >configure.out 2>&1 || die "configure failed: see $PWD/config.log"
	fi
}
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

asan() {
	set_up --enable-werror --enable-sanitize=address,undefined CFLAGS='-O1 -g'
	. "$top/tools/sanitizers.sh"
	make --no-print-directory -j"$(nproc)" check
}
cover() {
	command -v gcovr >/dev/null 2>&1 || die "gcovr is missing: contrib/deps.sh lint"
	set_up CFLAGS='-O0 -g --coverage' LDFLAGS=--coverage
	find . -name '*.gcda' -delete
	make --no-print-directory -j"$(nproc)" check || die "a test failed"
	gcovr --root "$top" --filter "$top/src/" --print-summary --html-details index.html . | tail -n 4
	echo "cover: by file in $PWD/index.html"
}
fuzz() {
	command -v clang >/dev/null 2>&1 || die "clang is missing: contrib/deps.sh lint"
	set_up --enable-fuzz --enable-sanitize=address,undefined CC=clang CFLAGS='-O1 -g'
	local targets t name failed=0
	targets=$(make -pn 2>/dev/null | sed -n 's/^check_PROGRAMS = //p' | tr ' ' '\n' | sed -n 's/\$(EXEEXT)//; /_fuzz$/p')
	[ -n "$targets" ] || die "there is no fuzzer"
	# shellcheck disable=SC2086
	make --no-print-directory -j"$(nproc)" $targets >build.out 2>&1 || {
		tail -20 build.out
		die "the fuzzers do not build"
	}
	for t in $targets; do
		name=$(basename "$t" _fuzz)
		mkdir -p "found/$name"
		if "./$t" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 -rss_limit_mb=1024 -artifact_prefix="found/$name-" \
			"found/$name" "$top/tests/fuzz/corpus/$name" >"$name.out" 2>&1; then
			echo "fuzz: $name $(grep -aoE 'Done [0-9]+ runs in [0-9]+' "$name.out") s"
		else
			tail -30 "$name.out"
			echo "fuzz: $name FAILED, input kept as $(ls -t found/"$name"-* 2>/dev/null | head -1)"
			failed=1
		fi
	done
	return $failed
}

case $kind in
asan | cover | fuzz) "$kind" ;;
*) die "there is no such build" ;;
esac
