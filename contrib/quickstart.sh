#!/usr/bin/env bash
# quickstart.sh - from a fresh clone on Debian or Ubuntu to a console with a night's work in it.
#
#   contrib/quickstart.sh [options]
#
#   --dir DIR       the demo's site directory (./demo)
#   --build DIR     where to build (./build)
#   --headless      do not open the console: leave the coordinator running and print shell lines to eval
#   --traffic       keep orders, updates and reports coming (what happens anyway when the console opens)
#   --no-traffic    do not
#   --stop          end what runs in DIR
#
# Everything is on 127.0.0.1 and below DIR and BUILD.  Running it again is fine.  Remove DIR to begin anew.
set -u -o pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
dir=$top/demo build=$top/build headless='' traffic='' stop=''

say() { printf 'quickstart: %s\n' "$*" >&2; }
die() { # die WHAT FIX
	say "error: $1"
	say "fix:   $2"
	exit 1
}
usage() { sed -n '4,15s/^# \{0,1\}//p' "$0"; }

while [ $# -gt 0 ]; do
	case $1 in
	--dir | --build)
		[ -n "${2:-}" ] || die "$1 needs a directory" "$1 DIR"
		printf -v "${1#--}" %s "$2"
		shift
		;;
	--headless) headless=yes ;;
	--traffic) traffic=yes ;;
	--no-traffic) traffic=no ;;
	--stop) stop=yes ;;
	-h | --help) usage && exit 0 ;;
	*) die "'$1' is not understood" "see contrib/quickstart.sh --help" ;;
	esac
	shift
done
[ -n "$traffic" ] || traffic=$([ -n "$headless" ] && echo no || echo yes)

# ---- processes, by their own pid

pid_of() { # pid_of NAME: of the running one, if it still is that program; wetreadd says itself, whoever started it
	local pid file
	for file in "$dir/run/$1.pid" "$dir/quickstart/$1.pid"; do
		pid=$(cat "$file" 2>/dev/null) || continue
		[ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ] && echo "$pid" && return
	done
	return 1
}
end() { # end NAME
	local pid limit=$((SECONDS + 15))
	pid=$(pid_of "$1") || return 0
	kill "$pid" 2>/dev/null
	while [ -d "/proc/$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$1" ]; do
		[ $SECONDS -lt $limit ] || {
			kill -KILL "$pid"
			break
		}
		sleep 0.05
	done
	rm -f "$dir/quickstart/$1.pid"
	say "ended $1 (pid $pid)"
}
spawn() { # spawn NAME COMMAND...: in the background, away from this terminal
	local name=$1
	shift
	setsid "$@" </dev/null >>"$dir/quickstart/$name.log" 2>&1 &
	echo $! >"$dir/quickstart/$name.pid"
}
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() { # free_port FIRST
	local p=$1
	while listening "$p"; do p=$((p + 1)); done
	echo "$p"
}
wait_for() { # wait_for SECONDS WHAT LOG COMMAND...
	local limit=$((SECONDS + $1)) what=$2 log=$3
	shift 3
	until "$@"; do
		if [ $SECONDS -ge $limit ]; then
			tail -n 12 "$log" >&2
			die "$what did not happen" "the lines above are from $log; try contrib/quickstart.sh --stop and again"
		fi
		sleep 0.05
	done
}

if [ -n "$stop" ]; then
	pid_of wetreadd >/dev/null || say "nothing runs in $dir"
	end wetread-demo
	end wetreadd
	exit 0
fi

# ---- the programs

"$top/contrib/deps.sh" build run || exit 1
"$top/contrib/build.sh" --build "$build" || exit 1
mkdir -p "$dir/quickstart" || die "cannot make $dir" "choose another with --dir"
dir=$(cd "$dir" && pwd) build=$(cd "$build" && pwd)
case :$PATH: in
*:"$build/inst/bin:$build/inst/sbin":*) ;; # from the shell lines of an earlier run
*) export PATH="$build/inst/bin:$build/inst/sbin:$PATH" ;;
esac
libexec=$build/inst/libexec/wetread
cast=$top/contrib/demo
ctl() {
	wetreadctl --dir "$dir" "$@" >>"$dir/quickstart/setup.log" 2>&1 && return 0
	tail -n 5 "$dir/quickstart/setup.log" >&2
	die "wetreadctl $* was refused" "see the lines above; the whole output is in $dir/quickstart/setup.log"
}

# ---- the site: people, keys, sites, policy

# shellcheck source=contrib/demo/cast.sh
. "$cast/cast.sh"
senders() { # who may send images: at each site one machine, called like it
	local site
	printf '; The demo sends images as its sites: a section a sender, keys as in wetread-dicom.ini(5).\n'
	printf '%s\n' '[listen]' 'ae = WETREAD' '[limit]' 'reserve = 64M' '[complete]' 'quiet = 2s'
	for site in $(sections "$cast/sites.ini"); do printf '\n[peer %s]\nsite = %s\nhost = 127.0.0.1\n' "$site" "$site"; done
}
make_site() {
	local login
	: >"$dir/quickstart/setup.log"
	say "making a demo site in $dir"
	ctl init --ssh 127.0.0.1:2222 --hl7 127.0.0.1:2575 --dicom 127.0.0.1:11112 --admin root-of-demo
	say "loading $(sections "$cast/sites.ini" | wc -l) sites and $(sections "$cast/people.ini" | wc -l) people"
	load "site add" "$cast/sites.ini"
	load "user add" "$cast/people.ini"
	say "making a key for each (in $dir/keys)"
	for login in $(sections "$cast/people.ini"); do
		make_key "$dir/keys" "$login" || die "ssh-keygen could not make a key" "is openssh-client installed? contrib/deps.sh run"
		ctl key add "$login" "$dir/keys/$login.pub"
	done
	say "bringing the policy into force"
	cp "$cast/policy.ini" "$dir/policy.ini"
	cp "$cast/hl7.ini" "$dir/hl7.ini"
	senders >"$dir/dicom.ini"
	ctl policy apply "$dir/policy.ini"
	date -u +%FT%TZ >"$dir/quickstart/made"
}

if [ ! -e "$dir/quickstart/made" ]; then
	if [ -e "$dir/journal.db" ]; then
		die "$dir has a journal, but its demo was not finished" "remove $dir, or choose another with --dir"
	fi
	make_site
fi

# ---- the coordinator

ports() { # ports SSH MLLP DICOM: writes them into wetreadd.conf
	# a site directory of before there were images has no such section
	grep -q '^\[dicom\]' "$dir/wetreadd.conf" || printf '\n[dicom]\nlisten = off\n' >>"$dir/wetreadd.conf"
	grep -q '^\[peer' "$dir/dicom.ini" 2>/dev/null || senders >"$dir/dicom.ini"
	sed -i -e "/^\[ssh\]/,/^\[/s/^[; ]*listen *=.*/listen = 127.0.0.1:$1/" \
		-e "/^\[hl7\]/,/^\[/s/^[; ]*listen *=.*/listen = 127.0.0.1:$2/" \
		-e "/^\[dicom\]/,/^\[/s/^[; ]*listen *=.*/listen = 127.0.0.1:$3/" "$dir/wetreadd.conf"
}
port_of() { sed -n "/^\[$1\]/,/^\[/s/^listen *= *127.0.0.1://p" "$dir/wetreadd.conf"; }
up() { listening "$1" && listening "$2" && listening "$3"; }

if pid_of wetreadd >/dev/null; then
	say "already running (pid $(pid_of wetreadd))"
	ours=
else
	ports "$(free_port 2222)" "$(free_port 2575)" "$(free_port 11112)"
	say "starting wetreadd: SSH on 127.0.0.1:$(port_of ssh), MLLP on 127.0.0.1:$(port_of hl7), DICOM on 127.0.0.1:$(port_of dicom)"
	spawn wetreadd wetreadd --dir "$dir"
	ours=yes
fi
ssh=$(port_of ssh) mllp=$(port_of hl7) dicom=$(port_of dicom)
alive() { # ours may not be wetreadd yet, in its first moment
	if [ -n "$ours" ]; then kill -0 "$(cat "$dir/quickstart/wetreadd.pid")" 2>/dev/null; else pid_of wetreadd >/dev/null; fi
}
up_or_dead() { up "$ssh" "$mllp" "$dicom" || ! alive; }
wait_for 20 "wetreadd listening" "$dir/quickstart/wetreadd.log" up_or_dead
wait_for 1 "wetreadd listening" "$dir/quickstart/wetreadd.log" up "$ssh" "$mllp" "$dicom"
know_host "$dir" "127.0.0.1" "$ssh"

# ---- the night

opened() { grep -q 'the opening is sent' "$dir/quickstart/wetread-demo.log"; }
if [ ! -e "$dir/quickstart/fed" ]; then
	say "sending the opening of the night through MLLP"
	if [ "$traffic" = yes ]; then
		: >"$dir/quickstart/wetread-demo.log"
		spawn wetread-demo "$libexec/wetread-demo" traffic --to "127.0.0.1:$mllp"
		wait_for 60 "the opening" "$dir/quickstart/wetread-demo.log" opened
	else
		"$libexec/wetread-demo" night --to "127.0.0.1:$mllp" >"$dir/quickstart/wetread-demo.log" 2>&1 || {
			cat "$dir/quickstart/wetread-demo.log" >&2
			die "the orders were not all accepted" "see above, and $dir/quickstart/wetreadd.log"
		}
	fi
	: >"$dir/quickstart/fed"
	"$cast/people.sh" "$dir" >>"$dir/quickstart/setup.log" 2>&1 ||
		die "the people of the demo could not do their part" "see $dir/quickstart/setup.log; running this again goes on without them"
elif [ "$traffic" = yes ] && ! pid_of wetread-demo >/dev/null; then
	say "the night goes on"
	spawn wetread-demo "$libexec/wetread-demo" traffic --fresh --to "127.0.0.1:$mllp"
fi

# ---- images of some of the orders

# An order of this modality that has no images yet, as: accession site id name birth sex; better one for this body part, or whose exam is not done.
an_order() { # an_order MODALITY WORD
	an_order_like "mod:$1 img<1 exam:*$2*" || an_order_like "mod:$1 img<1 state:ordered,acquiring" || an_order_like "mod:$1 img<1"
}
an_order_like() {
	wetread --coordinator "unix:$dir/run/core.sock" --as sup1 list --filter "$1" --number 1 --json 2>>"$dir/quickstart/setup.log" |
		sed -n 's/.*"accession":"\([^"]*\)","site":"\([^"]*\)","patient":{"id":"\([^"]*\)","name":"\([^"]*\)","birth_date":"\([^"]*\)","sex":"\([^"]*\)".*/\1|\2|\3|\4|\5|\6/p' | grep .
}
# The Study Instance UID that the order gave its images.
uid_of() { # uid_of SITE/ACCESSION
	wetread --coordinator "unix:$dir/run/core.sock" --as sup1 show "$1" --json | grep -o '"study_uid":"[0-9.]*"' | cut -d'"' -f4 | sed -n 1p
}
# send_study KIND MODALITY [stray]: made for that order and sent by its site; a stray one has a typing mistake in its accession
send_study() {
	local -A part=([ct]=HEAD [mr]=BRAIN [dx]=CHEST [us]=ABD)
	local acc site pid name birth sex uid='' folder=$dir/quickstart/dicom/$1${3:-}
	IFS='|' read -r acc site pid name birth sex < <(an_order "$2" "${part[$1]}") || return 0
	[ -n "${3:-}" ] || uid=$(uid_of "$site/$acc")
	[ -z "${3:-}" ] || acc=${acc%?}$(((${acc: -1} + 1) % 10))
	rm -rf "$folder"
	mkdir -p "$dir/quickstart/dicom"
	"$libexec/wetread-dcmgen" --out "$folder" --kind "$1" --accession "$acc" --pid "$pid" --name "$name" --charset 'ISO_IR 192' \
		--birth "${birth//-/}" --sex "$sex" --seed "$RANDOM" --when "$(date -u +%Y%m%d%H%M%S)" --offset +0000 \
		${uid:+--study-uid "$uid"} >/dev/null &&
		storescu -aet "$site" -aec WETREAD +sd +r 127.0.0.1 "$dicom" "$folder" && rm -rf "$folder"
}
if [ ! -e "$dir/quickstart/imaged" ]; then
	if command -v storescu >/dev/null; then
		say "sending images by C-STORE: a CT, an MR, two X-rays (one with a wrong accession number), an ultrasound"
		{ send_study ct CT && send_study mr MR && send_study dx DX && send_study us US && send_study dx DX stray; } >>"$dir/quickstart/setup.log" 2>&1 ||
			die "the images were not all taken" "see $dir/quickstart/setup.log and wetreadd.log beside it; running this again goes on without them"
		: >"$dir/quickstart/imaged"
	else
		say "no images are sent: there is no storescu (Debian's dcmtk)"
	fi
fi

# ---- what comes out

export WETREAD_COORDINATOR="ssh://sup1@127.0.0.1:$ssh" WETREAD_MLLP="127.0.0.1:$mllp" WETREAD_DICOM="WETREAD@127.0.0.1:$dicom" \
	WETREAD_IDENTITY="$dir/keys/sup1" WETREAD_KNOWN_HOSTS="$dir/known_hosts" WETREAD_DIR="$dir"
if [ -n "$headless" ]; then
	for v in WETREAD_COORDINATOR WETREAD_MLLP WETREAD_DICOM WETREAD_IDENTITY WETREAD_KNOWN_HOSTS WETREAD_DIR PATH; do
		printf 'export %s=%q\n' "$v" "${!v}"
	done
	say "ready; end it with: contrib/quickstart.sh --stop${dir:+ --dir $dir}"
	exit 0
fi
[ -t 0 ] && [ -t 1 ] || die "there is no terminal for the console" "run it in a terminal, or with --headless"
say "opening the console as sup1, a supervisor: ? is help, q leaves"
XDG_STATE_HOME=$dir/state wetread
status=$?
end wetread-demo
[ -z "$ours" ] || end wetreadd
exit $status
