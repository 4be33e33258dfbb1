#!/usr/bin/env bash
# build.sh - builds wetread outside the source tree, and installs it into BUILD/inst.
#
#   contrib/build.sh [--build DIR]       default ./build; does nothing that is up to date
#
# The programs find each other by the paths they were configured with, so the
# build is configured for BUILD/inst and installed there: nothing outside the
# build directory is touched.  Prints progress on standard error.
set -u -o pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$top/build

say() { printf 'build: %s\n' "$*" >&2; }
die() {
	say "error: $1"
	say "fix:   $2"
	exit 1
}
while [ $# -gt 0 ]; do
	case $1 in
	--build)
		build=${2:?--build needs a directory}
		shift
		;;
	*) die "'$1' is not understood" "contrib/build.sh [--build DIR]" ;;
	esac
	shift
done
mkdir -p "$build" || die "cannot make $build" "choose another with --build DIR"
build=$(cd "$build" && pwd)
log=$build/build.log

step() { # step WORDS COMMAND...
	say "$1"
	shift
	"$@" >>"$log" 2>&1 && return 0
	tail -n 25 "$log" >&2
	die "that failed: $*" "the whole output is in $log"
}
: >"$log"

cd "$top" || exit 1
if [ ! -e configure ] || [ configure.ac -nt configure ] || [ Makefile.am -nt Makefile.in ]; then
	step "autoreconf" autoreconf -fi
fi
cd "$build" || exit 1
if [ ! -e config.status ] || [ "$top/configure" -nt config.status ]; then
	step "configure (out of tree, in $build)" "$top/configure" --prefix="$build/inst" --sysconfdir="$build/inst/etc"
fi
# Nothing is newer than what was installed: a make would only look at everything once more.
if [ -e inst/.stamp ] && [ -z "$(find "$top/src" "$top/include" "$top/tbl" "$top/contrib" "$top/man" "$top/Makefile.am" \
	"$top/configure.ac" config.status -newer inst/.stamp -print -quit)" ]; then
	say "up to date"
	exit 0
fi
step "make" make -j"$(nproc)"
step "make install (into $build/inst)" make install
: >inst/.stamp
say "done"
