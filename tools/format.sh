#!/usr/bin/env bash
# format.sh - lays the C out by .clang-format; with --check only names the files that are not.
#
# Other versions of clang-format lay some lines out differently: the reference is 14 (Debian 12).
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
tool=clang-format
command -v clang-format-14 >/dev/null 2>&1 && tool=clang-format-14
version=$($tool --version 2>/dev/null | grep -oE 'version [0-9]+' | grep -oE '[0-9]+')
if [ "${version:-0}" != 14 ]; then
	echo "format: clang-format 14 is needed, this is '${version:-none}'" >&2
	echo "fix:    contrib/deps.sh lint, or apt-get install clang-format-14" >&2
	exit 1
fi
mapfile -t files < <(find src include tests tools bench -name '*.[ch]' | sort)
if [ "${1:-}" != --check ]; then
	exec $tool -i "${files[@]}"
fi
wrong=0
for f in "${files[@]}"; do
	$tool "$f" | cmp -s - "$f" || {
		echo "format: $f is not laid out by .clang-format (make format)"
		wrong=$((wrong + 1))
	}
done
[ $wrong -eq 0 ] && echo "format: ${#files[@]} files are laid out alike"
[ $wrong -eq 0 ]
