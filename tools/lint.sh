#!/usr/bin/env bash
# lint.sh - clang-tidy and cppcheck over the C, shellcheck over the shell, mandoc over the manual.
#
#   tools/lint.sh BUILD [CPPFLAGS...]    BUILD holds config.h
#
# Anything found is an error; what is not asked for, and why, stands in .clang-tidy.
set -u -o pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:?lint.sh needs the build directory}
shift
cd "$top" || exit 1
failed=0
stage() { # stage NAME COMMAND...
	local name=$1 start=$SECONDS
	shift
	if "$@"; then
		printf 'lint: %-11s clean (%ds)\n' "$name" $((SECONDS - start))
	else
		printf 'lint: %-11s FOUND SOMETHING (%ds)\n' "$name" $((SECONDS - start))
		failed=1
	fi
}

mapfile -t sources < <(find src tools bench -name '*.c' | sort)
mapfile -t scripts < <(find contrib tools tests bench .ci -type f \( -name '*.sh' -o -path .ci/run \) | sort)
includes=(-I"$build" -Iinclude -Itbl)

tidy_one() { clang-tidy --quiet --warnings-as-errors='*' "$@" -- -std=c11 -DHAVE_CONFIG_H "${includes[@]}" "${flags[@]}" 2>/dev/null; }
flags=("$@")
tidy() {
	local chunk status=0 pids=() i j n
	n=$(nproc)
	for ((i = 0; i < n; i++)); do
		chunk=()
		for ((j = i; j < ${#sources[@]}; j += n)); do chunk+=("${sources[j]}"); done
		[ ${#chunk[@]} -gt 0 ] || continue
		tidy_one "${chunk[@]}" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || status=1; done
	return "$status"
}
check() {
	cppcheck -q --std=c11 --language=c -j "$(nproc)" --error-exitcode=1 --inline-suppr --max-configs=4 \
		--enable=warning,portability --suppressions-list=tools/cppcheck.list \
		-Iinclude -Itbl -DHAVE_CONFIG_H "${sources[@]}"
}
stage clang-tidy tidy
stage cppcheck check
stage shellcheck shellcheck -x -S warning "${scripts[@]}"
stage mandoc tools/man-lint.sh
exit $failed
