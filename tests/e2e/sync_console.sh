#!/usr/bin/env bash
# The console through the agent: it starts it, finds it, and works with the link up, down and back; what was typed stays sealed.
# shellcheck disable=SC2016,SC2317 # text for eval; functions that wait_for runs
. "${top_srcdir:?}/tests/e2e/lib.sh"
need tmux jq wetread wetread-sync wetread-demo
site_new sup1 okafor mehta
coordinator_start
demo load --ready --count 24 >/dev/null || bail "orders that are ready"

export XDG_RUNTIME_DIR=$E2E_DIR/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
mkdir -p "$XDG_CONFIG_HOME/wetread"
export WETREAD_COORDINATOR=ssh://okafor@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/okafor
status() { wetread-sync --json status; }
says() { [ "$(status | jq -r "$1")" = "$2" ]; }
there() { local_as sup1 show "$1" --json; }

# ---- it is started by whoever needs it

printf '%s\n' '[sync]' 'start = yes' "key_file = $E2E_DIR/cache.key" >"$XDG_CONFIG_HOME/wetread/config"
fails 3 "no agent runs" wetread-sync status
holds "a one-shot command starts it" wetread ping
# its pid, from the socket it listens on: so that it is ended here like what `start` began
PID[agent]=$(/usr/bin/python3 -c 'import socket, struct, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])' "$XDG_RUNTIME_DIR/wetread/sync.sock")
wait_for 20 "the agent is live" says .state live && ok "the agent is live"
pid=${PID[agent]}
mapfile -t mine < <(wetread list --filter 'site:STANNE state:ready' --json | jq -r 'map(select(.hold == null and .reader == null))[:2][].accession') # mehta may read these, too
[ "${#mine[@]}" = 2 ] || bail "two studies of St Anne"
for acc in "${mine[@]}"; do holds "more commands go through the same" wetread take "$acc" --until 6h; done
holds "... and starts no other" kill -0 "$pid"
is "$(wetread list --filter 'reader:okafor' --json | jq length)" 2 "two studies are taken"
wait_for 30 "details are at hand" says '.details.ready >= 2' true

# ---- consoles

TMUX_SOCK=wetread-$$ frames=$E2E_DIR/frames
t() { tmux -L "$TMUX_SOCK" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; e2e_clean' EXIT
console() {
	: >"$frames"
	t new-session -d -s desk -x 100 -y 30 "exec env -u TMUX TERM=tmux-256color WETREAD_TEST_FD=3 sh -c 'echo \$\$ >\"$E2E_DIR/desk.pid\"; exec \"$top_builddir/wetread\" 3>>\"$frames\" 2>\"$E2E_DIR/desk.log\"'"
	wait_for 20 "a console shows the queue" sees "${mine[0]}" || bail "a console" "$(screen; cat "$E2E_DIR/desk.log")"
}
screen() { t capture-pane -p -t desk; }
sees() { screen | grep -qF -- "$1"; }
field() { tail -n 1 "$frames" 2>/dev/null | sed -n "s/.* $1 \([^ ]*\).*/\1/p"; }
hears() { [ "$(field input)" -ge "$1" ] && [ "$(field keys)" = open ]; }
press() { # press KEY-OR-TEXT...: each when the one before was taken
	local n key
	for key; do
		n=$(field input)
		case $key in
		Enter | Escape | Tab) t send-keys -t desk "$key" && n=$((n + 1)) ;;
		*) t send-keys -t desk -l -- "$key" && n=$((n + ${#key})) ;;
		esac
		wait_for 15 "the console hears $key" hears "$n" || bail "$key" "$(screen)"
	done
}
shows() { # shows SECONDS TEXT WHAT
	if wait_for "$1" "$3" sees "$2"; then ok "$3"; else screen | sed 's/^/# /'; fi
}
decide() { # decide LETTER BOX: a letter counts after a silence, so it is pressed until the box with this title has heard it
	local tries=0 began
	while sees "$2"; do
		[ $((tries += 1)) -le 15 ] || bail "$2: $1" "$(screen)"
		press "$1"
		began=$SECONDS
		while sees "$2" && [ $((SECONDS - began)) -lt 2 ]; do read -r -t 0.1 <> <(:) || :; done
	done
}
on() { # on ACCESSION: the cursor is on its row, for the filter leaves no other
	press "\\" / "acc:$1" Enter
	wait_for 10 "the row of $1" sees "1 of "
}
no_console() { ! t has-session -t desk 2>/dev/null; }
sealed() { ! grep -raF -- "$1" "$HOME" "$XDG_RUNTIME_DIR"; } # no file holds these words

console
shows 10 "LIVE" "the console is live through the agent"
on "${mine[0]}"
press m "words of a console that dies"
is_kept() { [ "$(field kept)" = yes ]; }
wait_for 15 "what is typed is kept" is_kept
took_over() { sees "from last time not sent"; }
kill -KILL "$(cat "$E2E_DIR/desk.pid")"
wait_for 10 "it is dead" no_console
holds "no file shows what was typed" sealed "words of a console that dies"
console
wait_for 10 "the next console has the words" took_over && ok "the next console has the words"
on "${mine[0]}"
press m
shows 10 "words of a console that dies" "they are in the dialog again"
press Tab
decide s "Note on"
gone_out() { there "${mine[0]}" | jq -e '[.thread[] | select(.text == "words of a console that dies")] | length == 1' >/dev/null; }
wait_for 15 "it is with the coordinator" gone_out && ok "it is with the coordinator"
wait_for 15 "nothing is left to keep" is_kept && ok "nothing is left to keep"

# ---- down

stop wetreadd KILL
shows 60 OFFLINE "the console says that there is no link"
press m "typed without a link" Tab
decide s "Note on"
shows 10 "Kept: note on ${mine[0]}; it goes out when the link is back" "a note is kept"
holds "... and its study marked" eval 'screen | grep -F "${mine[0]}" | grep -q "^>.o"'
on "${mine[1]}"
press f "a report without a link" Tab
decide s "Sign "
shows 10 "Kept: sign ${mine[1]} final; it goes out when the link is back" "so is a report"
t send-keys -t desk -l q
wait_for 10 "the console leaves" no_console
console
shows 10 OFFLINE "another console starts without a link"
on "${mine[0]}"
holds "... and shows what waits" eval 'screen | grep -F "${mine[0]}" | grep -q "^>.o"'
press c
shows 10 "there is no link: this has to wait for it" "what cannot be done now says why"

# ---- back, but a supervisor was faster

kill -s STOP "${PID[agent]}"
coordinator_start
holds "a supervisor takes the second study away" local_as sup1 takeover "${mine[1]}" mehta --reason "where is okafor"
kill -s CONT "${PID[agent]}"
shows 60 LIVE "the link is back"
shows 20 ":refused" "the console says that something was refused"
noted() { there "${mine[0]}" | jq -e '[.thread[] | select(.text == "typed without a link")] | length == 1' >/dev/null; }
wait_for 15 "the note went out, once" noted && ok "the note went out, once"
press : refused Enter
shows 10 "a report without a link" "its words are shown"
decide s "Refused after it had been kept"
ok "it is settled as a second opinion"
second() { there "${mine[1]}" | jq -e '[.thread[] | select(.kind == "second") | .text | contains("a report without a link")] == [true]' >/dev/null; }
wait_for 15 "the second opinion is with the coordinator" second && ok "the second opinion is with the coordinator"
is "$(there "${mine[1]}" | jq -r .state)" assigned "nothing was overwritten"

# ---- what was read on paper

press : "late $(date -u -d '-7 minutes' +%H:%M)" Enter
shows 10 "the next note or report is a late entry" "a time in the past is taken"
on "${mine[0]}"
press m
shows 10 "LATE ENTRY, done" "the note says that it is one"
press "read on paper" Tab
decide s "Note on"
late() { there "${mine[0]}" | jq -e '[.thread[] | select(.text == "read on paper") | .made < .at] == [true]' >/dev/null; }
wait_for 15 "it is there with both times" late && ok "it is there with both times"
finish
