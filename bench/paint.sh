#!/usr/bin/env bash
# paint.sh - from an order's acknowledgement to its row on another person's console, SSH between them, on loopback
. "${top_srcdir:?}/bench/lib.sh"
need jq wetread /usr/bin/python3
site_new sup1
coordinator_start
demo night >"$E2E_DIR/night.log" || bail "the night is accepted" "$(tail -3 "$E2E_DIR/night.log")"
export WETREAD_COORDINATOR=ssh://sup1@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/sup1
out=$("$top_srcdir/bench/paint.py" "$MLLP_PORT" 30 -- wetread 2>&1) || bail "orders show on the console" "$out"
row "from the ACK to the row on screen, median of $(jq .n <<<"$out")" "$(jq .p50 <<<"$out")" ms '<=' 150
row "  p95 / max" "$(jq -r '"\(.p95) / \(.max)"' <<<"$out")" ms
row "  not shown within 2 s" "$(jq .missed <<<"$out")" "" '<=' 0
