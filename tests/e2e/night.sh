#!/usr/bin/env bash
# A night of invented orders goes in by MLLP, is there after a restart, and the record proves itself.
. "${top_srcdir:?}/tests/e2e/lib.sh"
need jq wetread-demo
site_new
coordinator_start

holds "every message of the night is accepted" demo night
studies() { ctl status --json | jq .studies; }
is "$(studies)" 62 "each study of the night is in the queue, and none twice"
before=$(ctl journal stat --json | jq .events)

stop wetreadd
holds "the record is whole after a clean end" ctl journal verify
coordinator_start
is "$(studies)" 62 "they are there again after a restart"
holds "the same port takes orders again" demo load --count 20
is "$(studies)" 82 "new ones come beside them"
after=$(ctl journal stat --json | jq .events)
[ "$after" -gt "$before" ] && ok "the journal went on where it was" || not_ok "the journal went on where it was" "$before, $after"
finish
