#!/usr/bin/env bash
# privacy.sh - a locked console shows nobody anything, and what is left of a console carries no patient's data.
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need tmux ssh-keygen ssh-agent ssh-add wetread wetreadd wetreadctl wetread-gate
site_new okafor sup1
ssh-keygen -q -t ed25519 -N 'open sesame' -C '' -f "$KEYS/mehta" && ctl user add mehta name=Mehta role=radiologist duty=on modalities='*' >/dev/null &&
	ctl key add mehta "$KEYS/mehta.pub" >/dev/null || bail "a key with a passphrase"
coordinator_start

exec 3<>"/dev/tcp/127.0.0.1/$MLLP_PORT" || bail "MLLP listens"
order() { # order ACCESSION NAME
	printf '\x0bMSH|^~\\&|STARIS|STANNE|RQ|TELERAD|20261121120000||ORM^O01|M%s|P|2.5.1\rPID|1||MRN%s^^^STANNE^MR||%s||19620301|F\rPV1|1|E\rORC|NW|PL%s|%s||SC\rOBR|1|PL%s|%s|CTH^CT HEAD W/O^L||||||||||||||||||||CT|||^^^^^S\r\x1c\r' \
		"$1" "$1" "$2" "$1" "$1" "$1" "$1" >&3
	IFS= read -r -d $'\x1c' -t 5 -u 3 ack && [[ $ack == *MSA\|AA* ]] || bail "an order" "$ack"
}
order 48000911 'OKONKWO^MARY'
order 48000912 'LINDQVIST^OLA'

# ---- consoles

TMUX_SOCK=wetread-$$
t() { tmux -L "$TMUX_SOCK" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; [ -z "${AGENT_PID:-}" ] || kill "$AGENT_PID"; e2e_clean' EXIT
# console NAME LOGIN [NAME=VALUE...]: the shell stays behind it, so that what is left on the screen can be looked at
console() {
	local name=$1 login=$2
	shift 2
	t new-session -d -s "$name" -x 80 -y 24 \
		"env -u TMUX TERM=tmux-256color WETREAD_TEST_FD=3 WETREAD_COORDINATOR=ssh://$login@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/$login XDG_STATE_HOME=$HOME/state-$login $* \
		sh -c 'exec \"$top_builddir/wetread\" ${ARGS:-} 3>>\"$E2E_DIR/$name.frames\"'; exec cat"
}
screen() { t capture-pane -p -t "$1"; }
sees() { screen "$1" | grep -qF -- "$2"; }
told() { t capture-pane -p -S - -t "$1" | grep -qF -- "$2"; } # also what has scrolled away: frames of a crash are many lines
blank() {
	local text
	text=$(screen "$1") && ! [[ $text =~ OKONKWO|LINDQVIST|4800091|MRN ]]
}
field() { tail -n 1 "$E2E_DIR/$1.frames" 2>/dev/null | sed -n "s/.* $2 \([^ ]*\).*/\1/p"; }
hears() { [ "$(field "$1" input)" -ge "$2" ] && [ "$(field "$1" keys)" = open ]; }
press() { # press NAME KEY...
	local name=$1 n key
	shift
	for key; do
		wait_for 10 "$name listens" hears "$name" 0
		n=$(field "$name" input)
		case $key in
		Enter | Escape | C-*) t send-keys -t "$name" "$key" ;;
		*) t send-keys -t "$name" -l -- "$key" ;;
		esac
		wait_for 10 "$name hears $key" hears "$name" $((n + 1)) || bail "$key" "$(screen "$name")"
	done
}
pane_pid() { # of the console in it
	local shell child
	shell=$(t display-message -p -t "$1" '#{pane_pid}')
	child=$(cat "/proc/$shell/task/$shell/children")
	printf '%s' "${child%% *}"
}

# Everybody in the demo, by each part of their name, but for those parts that are words of the program or people at work.
demo load --count 60 >/dev/null 2>&1 || bail "a night's load"
everybody() {
	as sup1 list --json | jq -r '.[].patient | .name, .id' | tr '^ =' '\n' | grep -E '.{5,}' | sort -u |
		grep -viE '^(okafor|mehta|delgado|LINDQVIST|OKONKWO)$' >"$E2E_DIR/everybody"
	[ "$(wc -l <"$E2E_DIR/everybody")" -ge 60 ]
}
wait_for 15 "the demo's patients" everybody || bail "names" "$(cat "$E2E_DIR/everybody")"
nobody_in() { ! grep -rlFwi -f "$E2E_DIR/everybody" "$@" && ! grep -rlE 'OKONKWO|LINDQVIST|MRN48' "$@"; } # nobody_in FILE...

mkdir -p "$XDG_CONFIG_HOME/wetread"
ARGS="--record $E2E_DIR/record.cast" console reader okafor
wait_for 20 "the queue is there" sees reader 48000912 || bail "a console" "$(screen reader)"

# ---- locked by hand, opened by the key

press reader L
holds "L locks" sees reader "This console is locked."
holds "a locked console shows no patient and no number" blank reader
like "$(screen reader)" 'X[0-9]+ overdue|[0-9]+ ok' "the counts stay"
press reader j Enter
wait_for 10 "the key opens it" sees reader 48000912 && ok "a signature by the key that connects opens it"

# ---- a passphrase, and too many wrong ones

console eye mehta
wait_for 20 "the passphrase is asked for" sees eye "Passphrase for" || bail "a passphrase" "$(screen eye)"
sleepless() { press eye 'open sesame' Enter; }
sleepless
wait_for 20 "a console with a passphrase" sees eye 48000912 || bail "a console" "$(screen eye)"
press eye L Enter
asks() { sees eye "Passphrase for"; }
again() { sees eye "That was not it"; }
wait_for 10 "the lock asks for the passphrase" asks && ok "a key file with a passphrase asks for it again"
press eye wrong Enter
wait_for 10 "a wrong one" again && ok "a wrong passphrase opens nothing"
for word in wrong2 wrong3; do
	wait_for 10 "it asks once more" asks
	press eye $word Enter
done
wait_for 10 "three wrong ones" sees eye "Enter opens it in" && ok "after three wrong ones there is a wait"
holds "and still nothing is shown" blank eye
wait_for 10 "the wait ends" sees eye "Enter opens it:"
press eye Enter
wait_for 10 "the lock asks again" asks
press eye 'open sesame' Enter
wait_for 10 "the right one opens it" sees eye 48000912 && ok "the right one opens it"
holds "and says what was tried" sees eye "1 attempt to open it failed"

# ---- an agent's signature, or not

eval "$(ssh-agent -s)" >/dev/null
AGENT_PID=$SSH_AGENT_PID
ssh-add -q "$KEYS/okafor" 2>/dev/null
console agent okafor WETREAD_IDENTITY= "XDG_STATE_HOME=$HOME/state-agent" "SSH_AUTH_SOCK=$SSH_AUTH_SOCK"
wait_for 20 "a console by the agent" sees agent 48000912 || bail "a console" "$(screen agent)"
press agent L Enter
wait_for 10 "the agent opens it" sees agent 48000912 && ok "an agent's signature opens it"
press agent L
ssh-add -q -D 2>/dev/null
press agent Enter
wait_for 10 "an agent without the key" sees agent "not there to sign" && ok "an agent that has lost the key opens nothing"
holds "and nothing is shown" blank agent
t kill-session -t agent

# ---- by itself, although the display changes

printf 'lock.after = 2s\n' >"$XDG_CONFIG_HOME/wetread/config"
console idle okafor
wait_for 20 "a console that locks soon" sees idle 48000912 || bail "a console" "$(screen idle)"
order 48000913 'OKONKWO^NGOZI'
wait_for 10 "it locks by itself" sees idle "This console is locked." && ok "no key for a while locks it, whatever else is drawn"
holds "and nothing is shown" blank idle
rm "$XDG_CONFIG_HOME/wetread/config"

# ---- through one's own agent, without a link: the key of the last login there

export XDG_RUNTIME_DIR=$E2E_DIR/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
start agent env WETREAD_COORDINATOR="ssh://okafor@127.0.0.1:$SSH_PORT" WETREAD_IDENTITY="$KEYS/okafor" XDG_STATE_HOME="$HOME/state-okafor" \
	wetread-sync --key-file "$E2E_DIR/cache.key" run
wait_for 15 "the agent is there" grep -q '^ready ' "$E2E_DIR/agent.log" || finish
console beside okafor "XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR" "WETREAD_IDENTITY="
wait_for 20 "a console by the agent" sees beside 48000912 || bail "a console" "$(screen beside)"
stop wetreadd
press beside L
holds "locked behind an agent" blank beside
mv "$KEYS/okafor" "$KEYS/elsewhere"
press beside Enter
wait_for 10 "without the key" sees beside "Enter opens it in" && ok "without a link and without the key it stays shut"
mv "$KEYS/elsewhere" "$KEYS/okafor"
wait_for 10 "the wait ends" sees beside "Enter opens it:"
press beside Enter
wait_for 10 "with the key" sees beside 48000912 && ok "without a link the key opens it all the same"
stop agent

# ---- what is left behind

press reader Enter
wait_for 10 "a study is open" sees reader OKONKWO
holds "no core file" grep -qE 'Max core file size +0 +0' "/proc/$(pane_pid reader)/limits"
kill -s SEGV "$(pane_pid reader)"
wait_for 10 "the crash says so" told reader "failed: signal 11" && ok "a crash gives the terminal back and says what it was"
holds "with nothing of a patient" blank reader
pid=$(pane_pid eye)
t send-keys -t eye C-z
stopped() { grep -q '^State:.*T' "/proc/$pid/status"; }
wait_for 10 "C-z stops it" stopped
wait_for 10 "the screen is cleared first" blank eye && ok "a console that is stopped leaves an empty screen"
kill -s CONT "$pid"
wait_for 10 "and comes back" sees eye 48000912 && ok "and comes back"
fails 1 "a record has nobody in it" grep -qE 'OKONKWO|LINDQVIST|4800091|MRN' "$E2E_DIR/record.cast"
t new-session -d -s play -x 80 -y 24 "exec env -u TMUX TERM=tmux-256color '$top_builddir/wetread' --play '$E2E_DIR/record.cast'"
wait_for 10 "it is played" sees play "[masked]" && ok "and is played"
t send-keys -t play q
over() { ! t has-session -t play 2>/dev/null; }
wait_for 10 "q ends it" over && ok "until q"
printf '{"version":2,"width":80,"height":24}\n[1,"o"]\n' >"$E2E_DIR/bad.cast"
t new-session -d -s bad -x 80 -y 24 "'$top_builddir/wetread' --play '$E2E_DIR/bad.cast'; '$top_builddir/wetread' --play '$KEYS/okafor'; exec cat"
wait_for 10 "a record that is none" sees bad "line 2 is not an event" && ok "a record that is damaged says where"
wait_for 10 "no record" sees bad "not an asciicast" && ok "and what is none is said to be none"
t show-buffer 2>/dev/null >"$E2E_DIR/buffers.log" || true
for pane in reader eye idle; do
	screen $pane >"$E2E_DIR/$pane.left.log"
	t display-message -p -t $pane '#{pane_title}' >>"$E2E_DIR/titles.log"
done
rm -f "$E2E_DIR/eye.left.log" # that one is still in use
holds "state, configuration, logs, titles and what a crash left name none of the $(wc -l <"$E2E_DIR/everybody") words of the demo's patients" \
	nobody_in "$HOME" "$E2E_DIR"/*.log "$E2E_DIR/record.cast" "$E2E_DIR"/*.frames
finish
