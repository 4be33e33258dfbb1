#!/usr/bin/env bash
# hl7.sh - HL7 orders a second, each committed before its acknowledgement, beside SQLite alone on the same disk
. "${top_srcdir:?}/bench/lib.sh"
need jq wetread-demo
raw=$("$top_builddir/bench/raw_commit" "$E2E_DIR" 2 | jq .rate)
site_new adm
coordinator_start
demo load --count 300 --first 0 >/dev/null # warm

one=$(demo load --json --senders 1 --count 3000 --first 1000)
many=$(demo load --json --senders 16 --count 30000 --first 10000)
steady=$(demo load --json --senders 16 --count 3000 --first 50000 --rate 500)
raw_after=$("$top_builddir/bench/raw_commit" "$E2E_DIR" 2 | jq .rate)
raw=$(((raw + raw_after) / 2))

row "SQLite alone, one row a commit" "$raw" "/s"
row "orders acknowledged, 1 sender" "$(jq .rate <<<"$one")" "/s"
row "  time to ACK, median / p99" "$(jq -r '"\(.p50) / \(.p99)"' <<<"$one")" ms
row "orders acknowledged, 16 senders" "$(jq .rate <<<"$many")" "/s"
row "  time to ACK, median / p99" "$(jq -r '"\(.p50) / \(.p99)"' <<<"$many")" ms
row "  as a multiple of SQLite alone" "$(jq ".rate / $raw * 100 | round / 100" <<<"$many")" "x" '>=' 5
row "at 500 orders a second, time to ACK, median" "$(jq .p50 <<<"$steady")" ms
row "  p99" "$(jq .p99 <<<"$steady")" ms
[ "$(jq -s '[.[].accepted] | add' <<<"$one$many$steady")" = 36000 ]
