#!/usr/bin/env bash
# plain.sh - the console as lines: what others do is told, what is typed is done, on one connection that keeps leases.
# shellcheck disable=SC2317 # functions that wait_for runs
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need jq wetread wetreadd wetreadctl
site_new sup1 okafor
coordinator_start
demo night >"$E2E_DIR/night.log" || bail "the night is accepted" "$(tail -3 "$E2E_DIR/night.log")"
mapfile -t acc < <(local_as sup1 list -f 'state:ready reader:none' -n 3 --json | jq -r '.. | .accession? // empty')
[ ${#acc[@]} -eq 3 ] || bail "three studies are ready" "$(local_as sup1 list | head)"

mkfifo "$E2E_DIR/typed"
said=$E2E_DIR/plain.log
plain() { wetread --coordinator "unix:$SITE/run/core.sock" --as sup1 --plain <"$E2E_DIR/typed" >"$said" 2>"$E2E_DIR/plain.err"; }
plain &
PID[plain]=$!
exec 4>"$E2E_DIR/typed"
says() { grep -qE -- "$1" "$said"; }
type() { printf '%s\n' "$1" >&4; }

wait_for 15 "it says how the queue stands" says '^[0-9]+ open, [0-9]+ overdue, [0-9]+ under 15 minutes' && ok "it says how the queue stands"
type 'help hold'
wait_for 5 "help tells what a command takes" says '^wetread hold STUDY REASON' && ok "help tells what a command takes"
type "hold ${acc[0]} TECH \"left arm only\""
wait_for 5 "a command is answered" says "^hold ${acc[0]}: " && ok "a command is answered"
wait_for 5 "and what it did is told like everybody's" says "${acc[0]} .*held TECH.* by sup1" && ok "and what it did is told like everybody's"
like "$(local_as sup1 show "${acc[0]}")" 'left arm only' "quoted words came as one"
local_as sup1 note "${acc[1]}" "call the ward" >/dev/null || bail "another session does something"
wait_for 5 "what others do is told" says "${acc[1]} .*note" && ok "what others do is told"
type "hodl ${acc[1]} TECH"
wait_for 5 "a wrong word is explained" says "there is no command 'hodl': did you mean 'hold'" && ok "a wrong word is explained"
type 'note '"${acc[1]}"' "not closed'
wait_for 5 "a quote that is open does nothing" says '^a quote is not closed: nothing was done' && ok "a quote that is open does nothing"
type "note ${acc[1]} -"
wait_for 5 "words come on the line" says 'the words go on this line' && ok "words come on the line"
type "show ${acc[1]}"
wait_for 5 "looking works too" says 'call the ward' && ok "looking works too"
type 'watch'
wait_for 5 "a watch within is refused" says 'what happens is told here already' && ok "a watch within is refused"
is "$(grep -c $'\033' "$said")" 0 "nothing but text is printed"

stop wetreadd
wait_for 10 "a lost link is told" says 'link lost' && ok "a lost link is told"
start wetreadd wetreadd --dir "$SITE"
wait_for 20 "and its return" says 'link is back' && ok "and its return"
type "unhold ${acc[0]}"
wait_for 15 "commands work again" says "^unhold ${acc[0]}: " && ok "commands work again"
type quit
exec 4>&-
gone() { ! running plain; }
wait_for 5 "quit leaves" gone && ok "quit leaves"
is "$(printf 'status\nhelp status' | wetread --coordinator "unix:$SITE/run/core.sock" --as sup1 plain | grep -c ' open, ')" 2 "a script's lines are done to the last, which needs no end"
finish
