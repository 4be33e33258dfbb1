#!/usr/bin/env bash
# boards.sh - the boards on a real night: figures, alerts that somebody sees to, health, the audit record, the wallboard.
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need jq tmux wetread wetread-demo
site_new sup1 jdoe adm aud okafor mehta delgado
coordinator_start
demo night >"$E2E_DIR/demo.log" 2>&1 || bail "the night is sent" "$(tail -3 "$E2E_DIR/demo.log")"

# ---- figures, from the queue alone

holds "the board is printed" local_as jdoe board
local_as jdoe board --json >"$E2E_DIR/board.json"
is "$(jq '.all.open == ([.groups[] | select(.class) | .open] | add)' "$E2E_DIR/board.json")" true "classes add up to all that is open"
is "$(jq '.all.open == ([.groups[] | select(.site) | .open] | add)' "$E2E_DIR/board.json")" true "and so do sites"
is "$(jq '.all.open > 20 and .forecast.work_min > 0 and .forecast.capacity_min > 0' "$E2E_DIR/board.json")" true "and there is a forecast"

# ---- health and who may see it

holds "health is told to a supervisor" local_as sup1 health
local_as sup1 health --json >"$E2E_DIR/health.json"
is "$(jq '[.feeds[] | select(.kind == "hl7" and .received > 0)] | length > 5' "$E2E_DIR/health.json")" true "with the senders of the night"
is "$(jq '[.space[] | select(.size > 0)] | length > 0' "$E2E_DIR/health.json")" true "and the room on the disk"
fails 1 "a reader is not told" local_as okafor health

# ---- alerts: seen to by one, known to another, and after the coordinator died

local_as jdoe alerts --json >"$E2E_DIR/alerts.json"
KEY=$(jq -r '[.[] | select(.alert | startswith("overdue/"))][0].alert' "$E2E_DIR/alerts.json")
like "$KEY" '^overdue/[0-9]+$' "the night has something overdue"
fails 1 "a reader does not acknowledge it" local_as okafor ack "$KEY"
holds "a coordinator does" local_as jdoe ack "$KEY"
seen() { local_as sup1 alerts --json | jq -r ".[] | select(.alert == \"$KEY\") | [.seen_to, .by] | @csv"; }
is "$(seen)" 'true,"jdoe"' "the supervisor sees who sees to it"
stop wetreadd KILL
coordinator_start
is "$(seen)" 'true,"jdoe"' "and still does after the coordinator was killed"

# ---- as a person uses them, in a terminal

T=(tmux -L "boards$$" -f /dev/null)
"${T[@]}" new-session -d -x 80 -y 24 "env XDG_STATE_HOME=$E2E_DIR/state XDG_CONFIG_HOME=$E2E_DIR/config wetread -c unix:$SITE/run/core.sock --as sup1" 2>"$E2E_DIR/tmux.log" ||
	bail "tmux starts"
screen() { "${T[@]}" capture-pane -p; }
shows() { screen | grep -qE -- "$1"; }
press() { "${T[@]}" send-keys "$@"; }
wait_for 15 "the console is live" shows 'LIVE'
wait_for 10 "with its keys" shows 'Enter open'
for step in "D=SUPERVISOR" "!=ALERTS" "R=READERS" "gh=HOLDS" "gu=UNMATCHED" "gm=MY CASES" "gH=HEALTH"; do
	press -l "${step%%=*}"
	wait_for 10 "${step%%=*} shows the board ${step#*=}" shows "${step#*=}" && ok "${step%%=*} shows ${step#*=}"
done
wait_for 15 "health has come" shows 'hl7 .* ok '
press -l '!'
wait_for 10 "the alerts are shown" shows ALERTS
press -l G # what is seen to comes last
wait_for 10 "the alert is on the board" shows 'jdoe' && ok "the board says who sees to it"
"${T[@]}" kill-server
T=(tmux -L "wall$$" -f /dev/null)

# ---- the wallboard: figures, and nothing of anybody

"${T[@]}" new-session -d -x 100 -y 30 "env XDG_STATE_HOME=$E2E_DIR/state XDG_CONFIG_HOME=$E2E_DIR/config wetread -c unix:$SITE/run/core.sock --as sup1 wallboard" 2>>"$E2E_DIR/tmux.log"
wait_for 15 "the wallboard is up" shows 'READING ROOM'
wait_for 15 "with its figures" shows 'P1 [0-9]+'
press -l ':gmD/'
press Enter
screen >"$E2E_DIR/wall"
is "$(grep -c 'READING ROOM' "$E2E_DIR/wall")" 1 "keys lead nowhere else"
local_as sup1 list --json | jq -r '.[] | .accession, (.name // "" | split("^")[0])' | grep -E '^.{4,}$' | sort -u >"$E2E_DIR/secrets"
is "$(grep -cFf "$E2E_DIR/secrets" "$E2E_DIR/wall")" 0 "no accession and no name is on it"
press q
gone() { ! "${T[@]}" has-session 2>/dev/null; }
wait_for 10 "q leaves" gone && ok "q leaves"

# ---- the audit record knows

local_as aud show 1 >/dev/null 2>&1
like "$(ctl audit export --json | jq -r .kind)" 'alert.acked' "who saw to the alert is on record"
finish
