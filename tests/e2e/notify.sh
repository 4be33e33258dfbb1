#!/usr/bin/env bash
# notify.sh - a person who is not looking is told: by a real notification daemon, on a display and a bus of its own.
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need tmux Xvfb dbus-daemon dunst dunstctl jq wetread wetreadd wetread-notify
site_new okafor
coordinator_start

# ---- a display, a bus, a daemon

exec 4<>"$E2E_DIR/display" || bail "a file for the display's number"
Xvfb -displayfd 4 -screen 0 640x480x24 -nolisten tcp >"$E2E_DIR/xvfb.log" 2>&1 &
PID[xvfb]=$!
has_display() { [ -s "$E2E_DIR/display" ]; }
wait_for 10 "a display" has_display || bail "Xvfb" "$(cat "$E2E_DIR/xvfb.log")"
DISPLAY=:$(cat "$E2E_DIR/display")
cat >"$E2E_DIR/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=$E2E_DIR/bus</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
END
start bus dbus-daemon --nofork --config-file="$E2E_DIR/bus.conf"
has_bus() { [ -S "$E2E_DIR/bus" ]; }
wait_for 10 "a bus" has_bus || finish
export DISPLAY DBUS_SESSION_BUS_ADDRESS=unix:path=$E2E_DIR/bus
# Each notification leaves a line; the menu of actions is answered by whoever runs it.
printf '#!/bin/sh\nprintf "%%s|%%s|%%s\\n" "$2" "$3" "$5" >>%s/told\n' "$E2E_DIR" >"$E2E_DIR/told.sh"
printf '#!/bin/sh\ngrep -i claim\n' >"$E2E_DIR/menu"
chmod +x "$E2E_DIR/told.sh" "$E2E_DIR/menu"
printf '[global]\nscript_dummy = 1\ndmenu = %s/menu\n[all]\nscript = %s/told.sh\n' "$E2E_DIR" "$E2E_DIR" | sed /script_dummy/d >"$E2E_DIR/dunstrc"
start dunst dunst -conf "$E2E_DIR/dunstrc"
wait_for 10 "a notification daemon" dunstctl count || bail "dunst" "$(cat "$E2E_DIR/dunst.log")"
told() { [ "$(cat "$E2E_DIR/told" 2>/dev/null | wc -l)" -ge "$1" ]; }

# ---- the process that talks to it: replaced, not stacked

exec 5> >(exec wetread-notify >"$E2E_DIR/answers")
printf '{"text":"first <b>&amp;","urgency":"low"}\n{"text":"second","urgency":"critical"}\n' >&5
wait_for 10 "two are told" told 2 || bail "notifications" "$(cat "$E2E_DIR/dunst.log")"
is "$(cat "$E2E_DIR/told")" $'wetread|first &lt;b&gt;&amp;amp;|LOW\nwetread|second|CRITICAL' "urgency, and text that no daemon takes for markup"
is "$(dunstctl count displayed)" 1 "the second took the place of the first"
exec 5>&-
none_shown() { [ "$(dunstctl count displayed)" = 0 ]; }
wait_for 10 "it goes with its console" none_shown && ok "it goes with its console"
: >"$E2E_DIR/told"

# ---- a console

exec 3<>"/dev/tcp/127.0.0.1/$MLLP_PORT" || bail "MLLP listens"
order() { # order ACCESSION NAME EXAM
	local ack control
	for control in "NW|PL$1|$1||SC" "SC|PL$1|$1||CM"; do
		printf '\x0bMSH|^~\\&|STARIS|STANNE|RQ|TELERAD|20261121120000||ORM^O01|M%s%s|P|2.5.1\rPID|1||MRN%s^^^STANNE^MR||%s||19620301|F\rPV1|1|E\rORC|%s\rOBR|1|PL%s|%s|CTH^%s^L||||||||||||||||||||CT|||^^^^^S\r\x1c\r' \
			"$1" "${control%%|*}" "$1" "$2" "$control" "$1" "$1" "$3" >&3
		IFS= read -r -d $'\x1c' -t 5 -u 3 ack || bail "an answer"
		[[ $ack == *MSA\|AA* ]] || bail "an order" "$ack"
	done
}
mkdir -p "$XDG_CONFIG_HOME/wetread"
cat >"$XDG_CONFIG_HOME/wetread/config" <<END
notify = protocol:stroke
[notify]
exec = cat >>$E2E_DIR/by-command
END
TMUX_SOCK=wetread-$$ frames=$E2E_DIR/frames
t() { tmux -L "$TMUX_SOCK" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; e2e_clean' EXIT
t new-session -d -s keep cat # or the server would end with a session, and race the next
console() { # console NAME [NAME=VALUE...]
	local name=$1
	shift
	t new-session -d -s "$name" -x 80 -y 24 "exec env -u TMUX TERM=tmux-256color WETREAD_TEST_FD=3 $* WETREAD_COORDINATOR=ssh://okafor@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/okafor \
		sh -c 'exec \"$top_builddir/wetread\" 3>>\"$frames.$name\"'"
}
screen() { t capture-pane -p -t "$1"; }
sees() { screen "$1" | grep -qF -- "$2"; }
blur() { t send-keys -t "$1" -H 1b 5b 4f; } # what a terminal says when it loses the focus
order 48000911 'OKONKWO^MARY' 'CT HEAD W/O'
console desk
wait_for 20 "the queue is there" sees desk 48000911 || bail "a console" "$(screen desk)"
order 48000912 'LINDQVIST^OLA' 'CT HEAD STROKE'
wait_for 10 "the order is on the screen" sees desk 48000912
blur desk
order 48000913 'LINDQVIST^ADA' 'CT HEAD STROKE'
wait_for 10 "a notification" told 1 || bail "a notification" "$(screen desk; cat "$E2E_DIR/dunst.log")"
like "$(cat "$E2E_DIR/told")" '^wetread\|P0 CT HEAD STROKE, STANNE: [^|]*\|' "a study that matches the rule, for who is not looking"
fails 1 "without a name or a number" grep -qE 'LINDQVIST|OKONKWO|4800091|MRN' "$E2E_DIR/told"
same_by_command() { [ "$(cat "$E2E_DIR/by-command")" = "$(cut -d'|' -f2 "$E2E_DIR/told")" ]; }
wait_for 10 "the command has it too" same_by_command && ok "the command of notify.exec has it on its standard input"
titled() { [ "$(t display-message -p -t "$1" '#{pane_title}')" = "$2" ]; }
wait_for 10 "the title counts" titled desk '(1) wetread' && ok "the title has the number and nothing else"

# ---- its actions

dunstctl action
wait_for 10 "open" sees desk "LINDQVIST^ADA" && ok "its action opens the study"
t send-keys -t desk q
wait_for 10 "the list" sees desk 48000911
dunstctl context
claimed() { as okafor show 48000913 --json | jq -e '.reader == "okafor" and .state == "reading"'; }
wait_for 10 "claim" claimed && ok "the other one claims it"
t kill-session -t desk

# ---- without a desktop: the terminal's bell and the title, or its own notifications

bytes() { t pipe-pane -t "$1" "exec cat >'$E2E_DIR/$1.bytes'"; }
wrote() { LC_ALL=C grep -qaF -- "$2" "$E2E_DIR/$1.bytes"; }
console far SSH_CONNECTION=x
wait_for 20 "a console over SSH" sees far 48000911
bytes far
blur far
order 48000914 'LINDQVIST^EVA' 'CT HEAD STROKE'
wait_for 10 "the title over SSH" titled far '(1) wetread' && ok "over SSH the title says it"
holds "with a bell" wrote far $'\a'
t kill-session -t far
printf 'notify.passthrough = yes\n' | cat - "$XDG_CONFIG_HOME/wetread/config" >"$E2E_DIR/config" && mv "$E2E_DIR/config" "$XDG_CONFIG_HOME/wetread/config"
console through SSH_CONNECTION=x TMUX=x LC_TERMINAL=iTerm2
wait_for 20 "a console in tmux" sees through 48000911
bytes through
blur through
order 48000915 'LINDQVIST^UNA' 'CT HEAD STROKE'
wait_for 10 "through tmux" wrote through $'\ePtmux;\e\e]9;P0 CT HEAD STROKE, STANNE: ' && ok "through tmux, if it is let: the notification of the terminal around it"
fails 1 "no notification carries a name" grep -qE 'LINDQVIST|OKONKWO|4800091|MRN' "$E2E_DIR/by-command"
finish
