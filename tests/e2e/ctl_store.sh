#!/usr/bin/env bash
# wetreadctl store: what there is, whether it is what it was, and letting go of it; beside a coordinator and an intake that run.
. "${top_srcdir:?}/tests/e2e/lib.sh"
export TCP_NODELAY=1
need jq sqlite3 storescu wetread-dicom wetread-dcmgen
DICOM_PORT=$(free_port)
site_new
fails 1 "without images there is nothing to look at" ctl store usage
printf '%s\n' '[limit]' 'reserve = 0' '[complete]' 'quiet = 300ms' '[preview]' 'workers = 0' '[peer CT1]' 'site = STANNE' >"$SITE/dicom.ini"
coordinator_start
send() { storescu -aet CT1 -aec WETREAD 127.0.0.1 "$DICOM_PORT" "$@"; }
row() { as sup1 show "$1" --json 2>/dev/null; }
uid=1.2.826.0.1.3680043.8.498.55
for n in 1 2; do
	wetread-dcmgen --columns 32 --out "$E2E_DIR/s$n" --accession "P$n" --pid "P$n" --slices $((n * 3)) --seed $n --study-uid $uid.$n >/dev/null
	send "$E2E_DIR/s$n"/*.dcm
done
wetread-dcmgen --columns 32 --out "$E2E_DIR/wrong" --accession P1 --pid P9 --name DOE^JOHN --slices 1 --series 2 --study-uid $uid.1 >/dev/null
send "$E2E_DIR/wrong"/*.dcm
wait_for 10 "they are told" eval '[ "$(row P2 | jq .images)" = 6 ] && [ "$(row P1 | jq .images_aside)" = 1 ]'

# ---- usage, verify, aside
is "$(ctl store usage --json | jq -c '[.studies, .series, .images, .aside, .waiting, .bytes > 0, .free_bytes > 0]')" '[2,2,9,1,0,true,true]' "usage counts them"
like "$(ctl store usage)" 'images +9' "... in words too"
is "$(ctl store verify --json | jq -c '[.good, .bad]')" '[9,0]' "verify finds all of them whole"
like "$(ctl store aside --json --as adm | jq -r '.[0].reason + ": " + .[0].patient')" 'another patient.*id P9.*DOE\^JOHN' "what was put aside is listed, with whose it is"
fails 1 "... not for a reader" ctl store aside --as okafor
f=$(sqlite3 "$SITE/images/index.db" "select 'study/'||study||'/'||series||'/'||key||'.dcm' from instance limit 1")
cp "$SITE/images/$f" "$E2E_DIR/good.dcm"
chmod u+w "$SITE/images/$f"
printf x | dd of="$SITE/images/$f" bs=1 seek=600 conv=notrunc 2>/dev/null
fails 6 "verify finds a byte that changed" ctl store verify
is "$(ctl store verify --json | jq -r '.faults[] | .file + ": " + .what')" "$f: its bytes have changed" "... and names it"
cp "$E2E_DIR/good.dcm" "$SITE/images/$f"

# ---- purge
fails 1 "images of an open study stay" ctl store purge P1 --as adm
fails 1 "... even by force, without a reason" ctl store purge P1 --force --as adm
fails 1 "... and for anybody but an administrator" ctl store purge P1 --force wrong patient --as sup1
fails 1 "a study that is not there is said" ctl store purge NONE --as adm
is "$(ctl store usage --json | jq .images)" 9 "nothing is gone so far"
holds "by force and with a reason they go" ctl store purge P1 --force the wrong patient came first --as adm
is "$(ctl store usage --json | jq -c '[.studies, .images]')" '[1,6]' "... from the store"
is "$(find "$SITE/images/study" -name '*.dcm' | wc -l)" 6 "... and from the disk"
fails 1 "a row that was nothing but its images leaves the queue" as sup1 show P1
like "$(ctl audit export | grep images.purged)" "$uid.1.*the wrong patient came first|the wrong patient came first.*$uid.1" "who did it and why is in the audit record"
like "$(ctl audit export | grep 'command.refused' | grep images.purge)" 'only by force' "... and so are the refusals"
holds "what was put aside may come again" send "$E2E_DIR/wrong"/*.dcm
wait_for 10 "... and is a study now" eval '[ "$(as sup1 list --filter mrn:P9 --json | jq length)" = 1 ]' && ok "... and is a study now"
is "$(ctl store verify --json | jq -c '[.good, .bad]')" '[7,0]' "verify finds everything whole again"
whole() { wait_for 15 "$1" eval '[ "$(row P2 | jq ".images == 6 and .ready_at != null and .ready_at != 0")" = true ]'; }
whole "the other one is complete"
holds "an open study goes by force" ctl store purge P2 --force sent by mistake --as adm
holds "what was let go of may come again" send "$E2E_DIR/s2"/*.dcm
whole "... and is complete again" && ok "... and is complete again"
stop wetreadd
holds "it is the same without a coordinator" ctl store purge $uid.2 --force disk is full --as adm
is "$(ctl store verify --json | jq -c '[.good, .bad]')" '[1,0]' "... and the rest stays"
holds "the journal's chain is whole" ctl journal verify
finish
