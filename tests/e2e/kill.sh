#!/usr/bin/env bash
# An acknowledged HL7 message survives kill -9, and one that is sent again acts once.
. "${top_srcdir:?}/tests/e2e/lib.sh"
need jq wetread-demo
site_new adm
coordinator_start

# Eight senders go on through three deaths; a message without an answer is sent again with its MSH-10.
acked() { [ "$(wc -l <"$E2E_DIR/acked")" -ge "$1" ]; }
: >"$E2E_DIR/acked"
start wetread-demo wetread-demo load --sites "$DEMO/sites.ini" --to "127.0.0.1:$MLLP_PORT" --senders 8 --rate 400 --count 2400 \
	--patience 30s --acked "$E2E_DIR/acked" --json
for n in 400 900 1500; do
	wait_for 30 "$n messages are acknowledged" acked $n || finish
	stop wetreadd KILL
	coordinator_start
done
ended() { ! running wetread-demo; }
wait_for 60 "the senders come to an end" ended || finish

is "$(sort -u "$E2E_DIR/acked" | wc -l)" 2400 "every message was acknowledged in the end"
is "$(jq -r '"\(.errors) \(.rejected) \(.strange)"' "$E2E_DIR/wetread-demo.log")" "0 0 0" "no message was refused"
is "$(ctl status --json | jq .studies)" 2400 "there is one study for each order: none lost, none twice"
stop wetreadd
holds "the record is whole" ctl journal verify
ordered() { ctl audit export --json | jq -r 'select(.kind == "study.ordered") | "\(.set.site)/\(.set.accession)"'; }
is "$(ordered | sort | uniq -d | wc -l)" 0 "no order was recorded twice"
is "$(ordered | sort -u | wc -l)" 2400 "and each was recorded"
finish
