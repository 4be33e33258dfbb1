#!/usr/bin/env bash
# lint.sh - clang-tidy and cppcheck over the C, shellcheck over the shell, mandoc over the manual.
#
#   tools/lint.sh BUILD [CPPFLAGS...]    BUILD holds config.h
#
# Anything found is an error; what is not asked for, and why, stands in .clang-tidy.
set -u -o pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${1:?lint.sh needs the build directory}" && pwd)
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

flags=(-std=c11 -DHAVE_CONFIG_H "${includes[@]}" "$@" -DWETREAD_SYSCONFDIR='"/etc/wetread"')

# One file a run: several in one confuse clang-tidy 14 about va_list.
tidy() {
	printf '%s\0' "${sources[@]}" |
		xargs -0 -P "$(nproc)" -I FILE clang-tidy --quiet --warnings-as-errors='*' FILE -- "${flags[@]}" 2>/dev/null
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
