#!/usr/bin/env bash
# three_consoles.sh - a reader and two supervisors at their consoles, over SSH, in tmux: what one does the others see.
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need tmux ssh-keygen jq wetread wetreadd wetreadctl
export WETREAD_LIBEXECDIR=$top_builddir
CTL=(wetreadctl -d "$SITE")

"${CTL[@]}" init --ssh 127.0.0.1:0 --hl7 127.0.0.1:0 --admin boss >/dev/null || bail "a site directory is made"
mkdir -p "$KEYS"
"${CTL[@]}" site add STANNE name="St Anne" zone=America/Chicago jurisdiction=TX >/dev/null
person() { # person LOGIN ROLE [KEY=VALUE...]
	local login=$1 role=$2
	shift 2
	"${CTL[@]}" user add "$login" name="$login" role="$role" "$@" >/dev/null || bail "user add $login"
	make_key "$KEYS" "$login" && "${CTL[@]}" key add "$login" "$KEYS/$login.pub" >/dev/null || bail "key add $login"
}
person okafor radiologist duty=on modalities='*' licences='TX:2099-12-31'
person lind radiologist duty=on modalities='*' licences='TX:2099-12-31'
person sup1 supervisor
person sup2 supervisor

start wetreadd wetreadd -d "$SITE"
wait_for 10 "the coordinator is ready" grep -q '^ready ' "$E2E_DIR/wetreadd.log" || finish
ready=$(grep '^ready ' "$E2E_DIR/wetreadd.log")
SSH_PORT=$(sed 's/.*ssh=[^ ]*:\([0-9]*\) .*/\1/' <<<"$ready") MLLP_PORT=$(sed 's/.*hl7=[^ ]*:\([0-9]*\) .*/\1/' <<<"$ready")
know_host "$SITE" 127.0.0.1 "$SSH_PORT"

exec 3<>"/dev/tcp/127.0.0.1/$MLLP_PORT" || bail "MLLP listens"
ACK='' MESSAGES=0
order() { # order ACCESSION NAME PRIORITY: the order, then that its images are complete
	local control
	for control in 'NW|%s|%s||SC' 'SC|%s|%s||CM'; do
		MESSAGES=$((MESSAGES + 1))
		# shellcheck disable=SC2059 # the order control is a format
		printf "\x0bMSH|^~\\\\&|RIS|STANNE|RQ|TELERAD|20261121120000||ORM^O01|M%s|P|2.5.1\rPID|1||P%s^^^STANNE^MR||%s||19620301|F\rPV1|1|E\rORC|$control\rOBR|1|PL%s|%s|CTH^CT HEAD W/O^L||||||||||||||||||||CT|||^^^^^%s\r\x1c\r" \
			"$MESSAGES" "$1" "$2" "PL$1" "$1" "$1" "$1" "$3" >&3
		IFS= read -r -d $'\x1c' -t 5 -u 3 ACK || bail "no acknowledgement for order $1"
		[[ $ACK == *MSA\|AA\|* ]] || bail "order $1 was not accepted" "$ACK"
	done
}
for n in 1 2 3 4 5; do order "4800000$n" "DOE^JANE$n" R; done

# ---- consoles

TMUX_SOCK=wetread-$$
t() { tmux -L "$TMUX_SOCK" -f /dev/null "$@"; }
console() { # console NAME LOGIN WIDTH HEIGHT
	t new-session -d -s "$1" -x "$3" -y "$4" \
		"exec env -u TMUX LC_ALL=C.UTF-8 WETREAD_TEST_FD=3 WETREAD_COORDINATOR=ssh://$2@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/$2 \
		WETREAD_KNOWN_HOSTS=$SITE/known_hosts sh -c 'exec \"$top_builddir/wetread\" 3>>\"$E2E_DIR/$1.frames\" 2>\"$E2E_DIR/$1.log\"'"
}
e2e_tmux_end() { t kill-server 2>/dev/null; }
trap 'e2e_tmux_end; e2e_clean' EXIT
screen() { t capture-pane -p -t "$1"; }
sees() { screen "$1" | grep -qF -- "$2"; }
row_has() { screen "$1" | grep -F -- "$2" | grep -qF -- "$3"; } # row_has NAME ACCESSION TEXT
field() { tail -n 1 "$E2E_DIR/$1.frames" 2>/dev/null | sed -n "s/.* $2 \([^ ]*\).*/\1/p"; }
hears() { # hears NAME INPUT: that much was typed and taken, and keys work
	[ "$(field "$1" input)" -ge "$2" ] && [ "$(field "$1" keys)" = open ]
}
press() { # press NAME KEY...: each when the one before was taken
	local name=$1 n key
	shift
	for key; do
		n=$(field "$name" input)
		case $key in
		Enter | Escape) t send-keys -t "$name" "$key" ;;
		*) t send-keys -t "$name" -l -- "$key" ;;
		esac
		wait_for 10 "$name hears $key" hears "$name" $((n + 1)) || return
	done
}
now_ms() { date +%s%3N; }
within() { # within MILLISECONDS WHAT COMMAND...
	local limit=$(($(now_ms) + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		if [ "$(now_ms)" -gt "$limit" ]; then
			not_ok "$what" "$(screen reader)"
			return 1
		fi
		sleep 0.02
	done
	ok "$what"
}

console reader okafor 80 24
console one sup1 160 48
console two sup2 100 30
for c in reader one two; do
	wait_for 15 "$c is live" row_has "$c" LIVE of || bail "$c is live" "$(screen "$c"; cat "$E2E_DIR/$c.log")"
	wait_for 5 "$c has the queue" sees "$c" 48000005 || finish
done
ok "three consoles are live"

# ---- a STAT order

order 48000911 'OKAFOR^MARY' S
acked=$(now_ms)
for c in reader one two; do within $((1000 - ($(now_ms) - acked))) "$c shows the STAT order within a second of its acknowledgement" row_has "$c" 48000911 P1; done

# ---- a claim is seen by the others; a hold stops the clock

find_row() { # find_row NAME ACCESSION: the cursor goes there by the filter, as a person would
	press "$1" / && t send-keys -t "$1" -l -- "acc:$2" && wait_for 5 "$1 finds $2" row_has "$1" "/acc:$2" "1 match" && press "$1" Enter
	wait_for 5 "$1 is on $2" row_has "$1" ">" "$2"
}
find_row reader 48000911
press reader c
within 2000 "the reader has it" row_has reader 48000911 "READ  you"
within 2000 "the first supervisor sees who has it" row_has one 48000911 okafor
within 2000 "the second too" row_has two 48000911 okafor

find_row one 48000002
press one o
within 2000 "the dialog asks for the reason" sees one "Put on hold: 48000002"
press one Enter
within 2000 "the hold stops the clock on the first console" row_has one 48000002 hold
within 2000 "and on the second" row_has two 48000002 HELD
press one "\\"

# ---- two supervisors reassign the same case: one wins, one is told

for c in one two; do
	find_row "$c" 48000003
	press "$c" a
	within 2000 "$c has the dialog open" sees "$c" "Assign 48000003"
done
press one Enter
within 2000 "the first assignment is done" sees one "Assigned 48000003 to"
within 2000 "the second supervisor's row shows it behind the dialog" row_has two 48000003 ASGN
press two j Enter
within 2000 "the second is told who was before and what it was" sees two "assigned by sup1"
assigned() { as sup1 show 48000003 --json | jq '[.timeline[] | .. | strings | select(. == "study.assigned")] | length'; }
export WETREAD_KNOWN_HOSTS=$SITE/known_hosts
is "$(assigned)" 1 "and the record has one assignment"

# ---- a link that is cut

shown=$(field reader loads)
console_pid=$(t list-panes -t reader -F '#{pane_pid}')
link_pid=$(pgrep -P "$console_pid" | head -n 1)
[ -n "$link_pid" ] || bail "the console has its connection in a process of its own" "$(ps --ppid "$console_pid")"
kill -KILL "$link_pid"
wait_for 5 "the reader's console says that it is offline" sees reader OFFLINE && ok "the reader's console says that it is offline"
order 48000912 'DOE^WHILE' S
wait_for 20 "it comes back by itself" sees reader LIVE && ok "it comes back by itself"
press reader "\\"
within 5000 "and has what happened meanwhile" sees reader 48000912
is "$(field reader loads)" "$shown" "without loading the queue anew"

gone() { ! t has-session -t "$1" 2>/dev/null; }
for c in reader one two; do
	t send-keys -t "$c" -l q
	wait_for 5 "$c leaves by q" gone "$c" && ok "$c leaves by q"
done
finish
