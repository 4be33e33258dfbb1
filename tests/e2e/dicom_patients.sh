#!/usr/bin/env bash
# Two patients under one number: images of one are never shown as the other's, and people are told.
. "${top_srcdir:?}/tests/e2e/lib.sh"
export TCP_NODELAY=1
need jq sqlite3 storescu wetread-dicom wetread-dcmgen wetread-hl7
DICOM_PORT=$(free_port)
site_new
printf '%s\n' '[limit]' 'reserve = 0' '[complete]' 'quiet = 500ms' '[preview]' 'workers = 0' '[peer CT1]' 'site = STANNE' >"$SITE/dicom.ini"
coordinator_start
order() { # order ACCESSION PID NAME BIRTH [STUDY UID]
	exec 8<>"/dev/tcp/127.0.0.1/$MLLP_PORT" || return
	printf '\vMSH|^~\\&|STARIS|STANNE|WETREAD|HUB|20261121120000||ORM^O01|%s|P|2.5.1\rPID|1||%s^^^STA^MR||%s||%s|F\rPV1|1|E\rORC|NW|P%s|%s\rOBR|1|P%s|%s|CTHEAD^CT HEAD WO||||||||||||||||%s||||CT|||1^^^^^S\r%s\x1c\r' \
		"$1" "$2" "$3" "$4" "$1" "$1" "$1" "$1" "$1" "${5:+ZDS|$5^WR^Application^DICOM}"$'\r' >&8
	IFS= read -r -d $'\x1c' -t 10 -u 8 answer
	exec 8>&-
	grep -q 'MSA|AA' <<<"$answer"
}
row() { as sup1 show "$1" --json 2>/dev/null; }
is_in() { [ "$(row "$1" | jq -r '.state')" = "$2" ]; }
make() { wetread-dcmgen --columns 32 --out "$@" >/dev/null; }
send() { storescu -aet CT1 -aec WETREAD 127.0.0.1 "$DICOM_PORT" "$@"; }
uid=1.2.826.0.1.3680043.8.498.77

# ---- the sender gives two patients' images one Study Instance UID
holds "an order is taken" order 7001 P1 OKAFOR^MARY 19620301
make "$E2E_DIR/right" --accession 7001 --pid P1 --issuer STA --name OKAFOR^MARY --birth 19620301 --slices 6 --study-uid $uid
make "$E2E_DIR/wrong" --accession 7001 --pid P2 --issuer STA --name DOE^JOHN --birth 19500101 --slices 4 --study-uid $uid --series 2
holds "its images come in" send "$E2E_DIR/right"/*.dcm
wait_for 10 "the study is ready" is_in 7001 ready && ok "the study is ready"
as okafor claim 7001 >/dev/null
holds "another patient's images under its UID are acknowledged" send "$E2E_DIR/wrong"/*.dcm
wait_for 10 "... and reported on the study" eval '[ "$(row 7001 | jq -r .images_aside)" = 4 ]' && ok "... and reported on the study"
is "$(row 7001 | jq -c '[.images, .fields.series]')" '[6,1]' "... but not counted among its images"
is "$(sqlite3 "$SITE/images/index.db" "select count(*) from aside where patient like '%DOE^JOHN%'")" 4 "... kept aside, with whose they are"
is "$(sqlite3 "$SITE/images/index.db" "select count(*) from instance")" 6 "... and not in the store"
like "$(row 7001 | jq -r .acknowledge)" 'another patient' "its reader must acknowledge that"
fails 1 "... before signing" as okafor finish 7001 --as final no bleed
like "$(ctl audit export | grep study.noted)" 'another patient came under this study' "a note says it to everybody else"
is "$(as sup1 list --filter alert --json | jq -r '.[].accession')" 7001 "the filter \`alert\` finds it"
is "$(ctl audit export | grep -c images.refused)" 4 "each object is in the audit record"
holds "the sender tries again" send "$E2E_DIR/wrong"/*.dcm
wait_for 10 "nothing waits" eval '[ -z "$(find "$SITE/images/incoming" -name "*.dcm")" ]'
is "$(row 7001 | jq -r .images_aside)" 4 "... which changes nothing"
holds "a correction of the sender's is taken" eval 'make "$E2E_DIR/mended" --accession 7001 --pid P1 --issuer STA --name OKAFOR^MARY --birth 19620301 --slices 4 --study-uid $uid --series 2 && send "$E2E_DIR/mended"/*.dcm'
wait_for 10 "... and shown" eval '[ "$(row 7001 | jq -r .images)" = 10 ]' && ok "... and shown"

# ---- an order's own Study Instance UID on another patient's images
holds "an order with a study UID" order 7002 P3 ROE^ANN 19700101 $uid.2
make "$E2E_DIR/strange" --accession 7002 --pid P4 --issuer STA --name POE^EVE --birth 19800101 --slices 3 --study-uid $uid.2
holds "images of somebody else come under it" send "$E2E_DIR/strange"/*.dcm
wait_for 10 "they are a row of their own" eval 'as sup1 list --filter state:unmatched --json | jq -e ".[] | select(.patient.name == \"POE^EVE\")"' && ok "they are a row of their own, unmatched"
is "$(as sup1 list --filter state:ordered --json | jq -c '.[] | [.accession, .patient.name, .images]')" '["7002","ROE^ANN",0]' "the order goes on waiting for its own"
finish
