# cast.sh - sourced by quickstart.sh and the end-to-end tests: the demo's sites and people into a site directory.
# shellcheck shell=bash
#
# The caller has a function ctl: wetreadctl on the right directory.

sections() { sed -n 's/^\[\(.*\)\]$/\1/p' "$1"; }
# KEY=VALUE lines of a section, without keys of other programs (hl7.*).  +400d in a value is that many days from today.
values() { # values FILE SECTION
	sed -n "/^\[$2\]\$/,/^\[/{/^[a-z0-9_]* *=/p}" "$1" | sed 's/ *= */=/' | while IFS= read -r line; do
		while [[ $line =~ ([+-][0-9]+)d( |$) ]]; do
			line=${line/"${BASH_REMATCH[1]}d"/$(date -u -d "${BASH_REMATCH[1]} days" +%F)}
		done
		printf '%s\n' "$line"
	done
}
load() { # load "site add" FILE
	local name
	for name in $(sections "$2"); do
		mapfile -t set < <(values "$2" "$name")
		# shellcheck disable=SC2086 # "site add" is two words
		ctl $1 "$name" "${set[@]}"
	done
}
make_key() { # make_key DIRECTORY LOGIN
	mkdir -p "$1" && chmod 700 "$1" &&
		ssh-keygen -q -t ed25519 -N '' -C "$2 of the wetread demo" -f "$1/$2"
}
know_host() { # know_host SITE-DIRECTORY ADDRESS PORT: its known_hosts names the coordinator's key
	printf '[%s]:%s %s\n' "$2" "$3" "$(ssh-keygen -y -f "$1/host_key" | cut -d' ' -f1,2)" >"$1/known_hosts"
}
