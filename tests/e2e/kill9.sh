#!/usr/bin/env bash
# Fifty deaths by kill -9 under a stream of HL7 orders and of people's commands: everything that was acknowledged is
# there and there once, and no study has two owners at any point of the record.
. "${top_srcdir:?}/tests/e2e/lib.sh"
need jq wetread-demo /usr/bin/python3
KILLS=${KILLS:-50}
site_new adm okafor mehta delgado sup1
coordinator_start

: >"$E2E_DIR/acked"
: >"$E2E_DIR/orders"
start orders wetread-demo load --sites "$DEMO/sites.ini" --to "127.0.0.1:$MLLP_PORT" --senders 4 --rate 60 --count 200000 \
	--patience 60s --acked "$E2E_DIR/orders"
lines() { [ "$(wc -l <"$E2E_DIR/$1")" -ge "$2" ]; }
wait_for 20 "there are studies" lines orders 50 || finish
start people /usr/bin/python3 "$top_srcdir/tests/lib/talk.py" storm "$SITE/run/core.sock" okafor,mehta,delgado,sup1 60 \
	"$E2E_DIR/acked" "$E2E_DIR/stop"

deaths=0
for ((i = 1; i <= KILLS; i++)); do
	wait_for 20 "commands are answered after death $((i - 1))" lines acked $((i * 8)) || break
	stop wetreadd KILL
	deaths=$((deaths + 1))
	coordinator_start
done
is $deaths "$KILLS" "it was killed $KILLS times"
holds "orders kept coming" running orders
stop orders
touch "$E2E_DIR/stop"
ended() { ! running people; }
wait_for 30 "every command is answered in the end" ended || finish
wait "${PID[people]}"
is $? 0 "no command is left without an answer"
stop wetreadd
holds "what was acknowledged is there, once, and no study had two owners" \
	/usr/bin/python3 "$top_srcdir/tests/lib/owners.py" "$SITE/journal.db" "$E2E_DIR/acked"
note "$(/usr/bin/python3 "$top_srcdir/tests/lib/owners.py" "$SITE/journal.db" "$E2E_DIR/acked")"
holds "the record is whole, and replaying it gives the same world" ctl journal verify
ordered() { ctl audit export --json | jq -r 'select(.kind == "study.ordered") | "\(.set.site)/\(.set.accession)"'; }
is "$(ordered | sort | uniq -d | wc -l)" 0 "no order was recorded twice"
finish
