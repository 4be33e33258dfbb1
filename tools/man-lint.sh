#!/usr/bin/env bash
# man-lint.sh - mandoc finds nothing to warn about in the manual pages.
set -u
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$top" || exit 1
shopt -s nullglob
pages=(man/*.[1578])
[ ${#pages[@]} -gt 0 ] || {
	echo "man-lint: there are no pages"
	exit 0
}
command -v mandoc >/dev/null 2>&1 || {
	echo "man-lint: mandoc is missing (contrib/deps.sh test)"
	exit 1
}
mandoc -Tlint -W warning "${pages[@]}" || exit 1
echo "man-lint: ${#pages[@]} pages are in order"
