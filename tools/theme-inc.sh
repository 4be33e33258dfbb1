#!/bin/sh
# theme-inc.sh FILE... - themes as C initialisers on standard output: {"name", "text"}, one each.
set -eu
for f; do
	printf '{"%s",\n' "$(basename "$f" .theme)"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$f"
	echo '},'
done
