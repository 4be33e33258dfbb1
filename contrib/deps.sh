#!/usr/bin/env bash
# shellcheck disable=SC2034  # the groups are read through a nameref
# deps.sh - the Debian and Ubuntu packages wetread needs, in one place.
#
#   contrib/deps.sh [GROUP...]           installs what is missing (groups: build run test lint bench; default: build run)
#   contrib/deps.sh --list [GROUP...]    prints the names, one a line
#   contrib/deps.sh --check [GROUP...]   names what is missing and changes nothing; exit 1 if anything is
#
# Needs root or sudo only when something is missing.
set -u -o pipefail

build=(
	build-essential autoconf automake pkg-config
	libssh-dev       # the SSH server of wetread-gate and the client's link
	libevent-dev     # the coordinator's and the console's loop
	libcjson-dev     # reading JSON
	libsqlite3-dev   # the journal
	libncurses-dev   # the console's terminal
	libsodium-dev    # hashes, random numbers
	libseccomp-dev   # the sandbox of what parses outside input
	zlib1g-dev       # snapshot pages
	libinih-dev      # the .ini files
	libopenjp2-7-dev # JPEG 2000: coding small pictures, decoding images
	libnotify-dev    # notifications of the desktop: wetread-notify (optional: --without-libnotify)
	libssl-dev       # TLS of the image intake, digests of images
)
run=(
	tzdata           # zones of sites and readers
	openssh-client   # ssh-keygen, ssh-agent: people's keys are OpenSSH's
	procps
	libgdcm-tools    # gdcmconv: decoding images for small pictures
	dcmtk            # dcmdjpeg and others of its kind: the same, and where gdcmconv cannot; storescu
)
test=(
	libcmocka-dev libvterm-dev
	git tmux jq python3 python3-hl7 openssh-server ssh-audit
	orthanc python3-pydicom python3-numpy openssl curl iproute2 sqlite3 mandoc xz-utils
	rsync                           # what the transfer of images is measured against
	dunst xvfb dbus-daemon dbus-bin # a notification daemon on a display and a bus of its own
	zsh fish                        # completion in each shell
)
bench=(htop)
lint=(clang clang-tidy clang-format-14 cppcheck shellcheck mandoc gcovr)

say() { printf 'deps: %s\n' "$*" >&2; }
die() {
	say "error: $1"
	say "fix:   $2"
	exit 1
}

mode=install groups=()
for arg; do
	case $arg in
	--list) mode=list ;;
	--check) mode=check ;;
	build | run | test | lint | bench) groups+=("$arg") ;;
	-h | --help)
		sed -n '3,9s/^# \{0,1\}//p' "$0"
		exit 0
		;;
	*) die "there is no group '$arg'" "use build, run, test, lint or bench" ;;
	esac
done
[ ${#groups[@]} -gt 0 ] || groups=(build run)

wanted=()
for g in "${groups[@]}"; do
	declare -n list=$g
	wanted+=("${list[@]}")
done

if [ $mode = list ]; then
	printf '%s\n' "${wanted[@]}" | sort -u
	exit 0
fi

command -v apt-get >/dev/null 2>&1 ||
	die "this machine has no apt-get" "install the equivalents of: $(printf '%s ' "${wanted[@]}")"

# A package counts as there when it, or one that provides its name (pkgconf for pkg-config), is installed.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' | sed -n 's/^installed //p' |
	tr ',' '\n' | sed 's/ *(.*//; s/^ *//; s/:.*//; s/ *$//' | sort -u)
missing=()
for p in $(printf '%s\n' "${wanted[@]}" | sort -u); do
	grep -qxF -- "$p" <<<"$installed" || missing+=("$p")
done

if [ ${#missing[@]} -eq 0 ]; then
	say "${groups[*]}: all packages are there"
	exit 0
fi
if [ $mode = check ]; then
	say "missing: ${missing[*]}"
	say "fix:     contrib/deps.sh ${groups[*]}"
	exit 1
fi

root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null 2>&1 ||
		die "installing ${missing[*]} needs root, and there is no sudo" "as root: apt-get install ${missing[*]}"
	root=(sudo)
fi
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null >&2; }

say "installing ${#missing[@]} packages: ${missing[*]}"
apt install -y --no-install-recommends "${missing[@]}" && exit 0
say "that failed; fetching the package lists and trying once more"
apt update || die "apt-get update failed" "look at the network and /etc/apt/sources.list, then run this again"
apt install -y --no-install-recommends "${missing[@]}" ||
	die "apt-get could not install ${missing[*]}" "see the lines above; on Debian 12 and Ubuntu 24.04 all of them exist (Ubuntu: 'universe' must be on)"
