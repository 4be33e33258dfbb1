#!/usr/bin/env bash
# walk.sh - every key of the help overlay, on every view: something happens on the screen or is said, and the console lives.
#
# The keys are read from tbl/keymap.def, the views from tbl/screen.def: what is added there is walked too.  A key that
# does nothing to be seen fails, unless `before` makes a situation in which it does, or `instead` says what else must be true.
# shellcheck disable=SC2317 # functions that wait_for runs
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need tmux wetread wetreadd wetreadctl wetread-gate wetread-demo
site_new sup1 okafor mehta
coordinator_start
demo load --count 40 --ready >"$E2E_DIR/demo.log" 2>&1 || bail "the demo's orders" "$(tail -5 "$E2E_DIR/demo.log")"

# ---- what there is: "VIEW KEY" a line

rows() { # rows TABLE: each row's arguments, tabs between
	sed -n 's/^[A-Z]*(\(.*\))$/\1/p' "$top_srcdir/tbl/$1.def" | awk '{
		n = 1; q = 0; out = ""
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1)
			if (c == "\\") { out = out substr($0, ++i, 1); continue }
			if (c == "\"") { q = !q; continue }
			if (c == "," && !q) { sub(/ +$/, "", out); out = out "\t"; while (substr($0, i + 1, 1) == " ") i++; continue }
			out = out c
		}
		print out
	}'
}
keys_of() { # keys_of VIEW: those of its help overlay
	local groups context key _
	groups=$(rows screen | awk -F'\t' -v s="$1" '$1 == s { print $3 }')
	while IFS=$'\t' read -r context key _; do
		case $context in
		"$1" | ALL) printf '%s\n' "$key" ;;
		*) [[ $groups != *GROUP_$context* ]] || printf '%s\n' "$key" ;;
		esac
	done < <(rows keymap)
}

# ---- situations

# Where a key has nothing to do otherwise: keys to press first, written as in the table, blanks between.
declare -A before=(
	[LIST:zt]='0 8 G' [LIST:zz]='0 2 0 G z t' [LIST:zb]='0 2 0 G z t' ["LIST:\\"]='3' [LIST:-]='3 5' ["LIST:["]='3 5' ["LIST:]"]='3 5 ['
	[LIST:M]='Space' [LIST:h]='l' [LIST:Left]='l' ["LIST:g]"]='G C-o' [LIST:1]='3' [STUDY:1]='2'
)
# Other things that must be true of a key than that something is to be seen.
declare -A instead=([C-l]=same [C-z]=stops [L]=locks [LIST:q]=ends [LIST:C-c]=ends [LIST:Esc]=same [LIST:gq]=same)

# ---- a console

TMUX_SOCK=wetread-$$
t() { tmux -L "$TMUX_SOCK" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; e2e_clean' EXIT
console() { # console NAME LOGIN WIDTH HEIGHT
	: >"$E2E_DIR/$1.frames"
	t kill-session -t "$1" 2>/dev/null
	t new-session -d -s "$1" -x "$3" -y "$4" \
		"exec env -u TMUX TERM=tmux-256color XDG_STATE_HOME=$E2E_DIR/$1.state WETREAD_TEST_FD=3 WETREAD_COORDINATOR=ssh://$2@127.0.0.1:$SSH_PORT \
		WETREAD_IDENTITY=$KEYS/$2 sh -c 'echo \$\$ >\"$E2E_DIR/$1.pid\"; exec \"$top_builddir/wetread\" 3>>\"$E2E_DIR/$1.frames\" 2>>\"$E2E_DIR/$1.log\"'"
	wait_for 20 "$1 is live" live "$1"
}
screen() { t capture-pane -p -t "$1"; }
live() { screen "$1" | grep -q 'LIVE' && [ "$(field "$1" order)" = settled ]; }
field() { tail -n 1 "$E2E_DIR/$1.frames" 2>/dev/null | sed -n "s/.* $2 \([^ ]*\).*/\1/p"; }
heard() { [ "$(field "$1" input)" -ge "$2" ]; }
open() { [ "$(field "$1" keys)" = open ]; }
lives() { grep -q '^State:[[:space:]]*[^Z[:space:]]' "/proc/$(cat "$E2E_DIR/$1.pid")/status" 2>/dev/null; } # tmux may leave a zombie
gone() { ! lives "$1"; }
locked() { ! screen "$1" | grep -q "MRN\|ACC"; }

declare -A TMUX_NAME=([Esc]=Escape [PgUp]=PPage [PgDn]=NPage [S-Tab]=BTab [BS]=BSpace [Del]=DC)
declare -A BYTES=([Up]=3 [Down]=3 [Left]=3 [Right]=3 [Home]=4 [End]=4 [PgUp]=4 [PgDn]=4 [S-Tab]=3 [F1]=3 [Del]=4)
press() { # press NAME KEY...: keys as in the table; waits until all were heard
	local name=$1 key n words=()
	n=$(field "$name" input)
	shift
	for key; do
		case $key in
		Enter | Space | Tab | Esc | BS | Up | Down | Left | Right | Home | End | PgUp | PgDn | S-Tab | F1 | Del | C-?)
			n=$((n + ${BYTES[$key]:-1}))
			words+=("${TMUX_NAME[$key]:-$key}")
			;;
		*) # letters
			local i
			for ((i = 0; i < ${#key}; i++)); do
				local c=${key:i:1}
				[ "$c" != ';' ] || c='\;'
				words+=("$c")
			done
			n=$((n + ${#key}))
			;;
		esac
	done
	t send-keys -t "$name" "${words[@]}"
	wait_for 10 "$name hears $*" heard "$name" "$n"
}

# ---- a walk

base() { # base NAME VIEW: that view, nothing over it, the cursor in the middle
	local name=$1 view=$2 words
	words=$(rows screen | awk -F'\t' -v s="$view" '{ print $1 "\t" $5 }' | awk -F'\t' -v s="$view" '$1 == s { print $2 }')
	press "$name" Esc && wait_for 10 "keys are open" open "$name" && press "$name" Esc && wait_for 10 "keys are open" open "$name" || return
	case $view in
	LIST) press "$name" g q 1 0 2 0 G ;;
	STUDY) press "$name" g q 1 0 2 0 G Enter j j ;;
	*) press "$name" : && press "$name" "$words" Enter && press "$name" j ;;
	esac
	wait_for 10 "keys are open" open "$name"
}
reacted() { # reacted NAME SCREEN SAID
	[ "$(field "$1" said)" != "$3" ] || [ "$(screen "$1")" != "$2" ]
}
step() { # step NAME VIEW KEY
	local name=$1 view=$2 key=$3 was said prep how
	how=${instead[$view:$key]:-${instead[$key]:-}}
	prep=${before[$view:$key]:-}
	base "$name" "$view" || return
	# shellcheck disable=SC2086 # words
	[ -z "$prep" ] || press "$name" $prep || return
	was=$(screen "$name") said=$(field "$name" said)
	case $how in
	'') press "$name" "$key" && wait_for 5 "something happens at $key" reacted "$name" "$was" "$said" && lives "$name" ;;
	same) press "$name" "$key" && [ "$(screen "$name" | tail -n +3)" = "$(tail -n +3 <<<"$was")" ] && lives "$name" ;;
	locks) press "$name" "$key" && wait_for 5 "the screen is blank" locked "$name" && lives "$name" && console "$name" "$LOGIN" "$W" "$H" ;;
	stops) # tmux wakes what stops in its own pane: the screen must be back as it was
		press "$name" "$key" && wait_for 10 "its screen is back" live "$name" && lives "$name"
		;;
	ends) t send-keys -t "$name" "$key" && wait_for 20 "it ends" gone "$name" && console "$name" "$LOGIN" "$W" "$H" ;;
	esac
}
walk() { # walk NAME LOGIN WIDTH HEIGHT VIEW:KEY...
	local name=$1 at
	LOGIN=$2 W=$3 H=$4
	shift 4
	{
		console "$name" "$LOGIN" "$W" "$H" || exit
		for at; do
			if step "$name" "${at%%:*}" "${at#*:}" >"$E2E_DIR/$name.step"; then
				echo "ok $at"
			else
				echo "not $at"
				{ echo "---- $at"; cat "$E2E_DIR/$name.step"; screen "$name"; } >>"$E2E_DIR/$name.fail.log"
				lives "$name" || console "$name" "$LOGIN" "$W" "$H"
			fi
		done
	} >"$E2E_DIR/$name.walk" 2>"$E2E_DIR/$name.err"
}

# Keys that mean the same on every view are walked on the queue; on the others, those of their own and of their groups.
mapfile -t list < <(keys_of LIST | sed 's/^/LIST:/')
mapfile -t study < <(while IFS=$'\t' read -r context key _; do [ "$context" != STUDY ] || echo "STUDY:$key"; done < <(rows keymap))
mapfile -t boards < <(while IFS=$'\t' read -r context key _; do
	case $context in
	LIST | STUDY | ALL) ;;
	TABLE) echo "READERS:$key" ;;
	STUDIES | BACK) echo "HOLDS:$key" ;;
	*) echo "$context:$key" ;;
	esac
done < <(rows keymap))
is "$((${#list[@]} > 60 && ${#study[@]} > 20 && ${#boards[@]} > 10))" 1 "the tables were read: ${#list[@]}, ${#study[@]} and ${#boards[@]} keys"
half=$((${#list[@]} / 2))
walk one okafor 80 24 "${list[@]:0:half}" & walkers=($!)
walk two mehta 80 24 "${list[@]:half}" & walkers+=($!)
walk three okafor 80 14 "${study[@]}" & walkers+=($!)
walk four sup1 120 40 "${boards[@]}" & walkers+=($!)
wait "${walkers[@]}"
for n in one two three four; do
	while read -r how at; do
		if [ "$how" = ok ]; then ok "$at"; else not_ok "$at" "$(grep -FA30 -e "---- $at" "$E2E_DIR/$n.fail.log" | head -32)"; fi
	done <"$E2E_DIR/$n.walk"
done
# ---- and what a terminal keeps: the accession, in its clipboard (OSC 52)

t set-option -s set-clipboard on
console five sup1 80 24
acc=$(screen five | sed -n 's/^>[^P]*P[0-5] \([^ ]*\) .*/\1/p')
press five y
clipboard() { [ -n "$acc" ] && [ "$(t show-buffer)" = "$acc" ]; }
wait_for 10 "y puts the accession into the clipboard" clipboard && ok "y puts the accession into the clipboard"
is "$((E2E_PASSED + E2E_FAILED))" "$((2 + ${#list[@]} + ${#study[@]} + ${#boards[@]}))" "every key was walked"
finish
