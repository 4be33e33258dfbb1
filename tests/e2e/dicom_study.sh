#!/usr/bin/env bash
# Images meet their order: a coordinator with its adapters, an order by HL7, slices by C-STORE, a reader's console.
. "${top_srcdir:?}/tests/e2e/lib.sh"
export TCP_NODELAY=1
need jq storescu wetread-dicom wetread-dcmgen wetread-hl7
site_new
DICOM_PORT=$(free_port)
sed -i "/^\[dicom\]/,/^\[/s/^[; ]*listen *=.*/listen = 127.0.0.1:$DICOM_PORT/" "$SITE/wetreadd.conf"
printf '%s\n' '[limit]' 'reserve = 0' '[complete]' 'quiet = 1s' '[peer CT1]' 'site = STANNE' 'zone = America/Chicago' >"$SITE/dicom.ini"
coordinator_start
wait_for 15 "the coordinator says where images come in" grep -q "^ready .* dicom=127.0.0.1:$DICOM_PORT" "$E2E_DIR/wetreadd.log" &&
	ok "the coordinator says where images come in"
order() { # order ACCESSION PID NAME; prints the acknowledgement
	exec 8<>"/dev/tcp/127.0.0.1/$MLLP_PORT" || return
	printf '\vMSH|^~\\&|STARIS|STANNE|WETREAD|HUB|20261121120000||ORM^O01|%s|P|2.5.1\rPID|1||%s^^^STA^MR||%s||19620301|F\rPV1|1|E\rORC|NW|P%s|%s\rOBR|1|P%s|%s|CTHEAD^CT HEAD WO||||||||||||||||%s||||CT|||1^^^^^S\r\x1c\r' \
		"$1" "$2" "$3" "$1" "$1" "$1" "$1" "$1" >&8
	IFS= read -r -d $'\x1c' -t 10 -u 8 answer
	exec 8>&-
	tr '\r' '\n' <<<"$answer"
}
row() { as sup1 show "$1" --json 2>/dev/null; }
is_in() { [ "$(row "$1" | jq -r '.state')" = "$2" ]; }
send() { storescu -aet CT1 -aec WETREAD 127.0.0.1 "$DICOM_PORT" "$@"; }
like "$(order 48990001 700001 'OKAFOR^MARY')" 'MSA\|AA' "an order is taken"
wait_for 10 "the order is on the list" is_in 48990001 ordered && ok "the order is on the list"

wetread-dcmgen --out "$E2E_DIR/ct" --accession 48990001 --pid 700001 --issuer STA --name OKAFOR^MARY --slices 30 --columns 64 --when 20261121061500 >/dev/null
holds "its images come in" send "$E2E_DIR/ct"/*.dcm
wait_for 10 "the study is ready when it was quiet" is_in 48990001 ready && ok "the study is ready when it was quiet"
is "$(row 48990001 | jq -c '[.images, .fields.series, .fields.aet]')" '[30,1,"CT1"]' "it shows how many images there are, and from where"
is "$(row 48990001 | jq -r '.last_image')" 2026-11-21T12:15:00Z "... and when they were made, by the sender's zone"

wetread-dcmgen --out "$E2E_DIR/late" --accession 48990001 --pid 700001 --issuer STA --name OKAFOR^MARY --slices 5 --columns 64 --series 2 >/dev/null
holds "a late series comes" send "$E2E_DIR/late"/*.dcm
wait_for 10 "everybody sees it" eval '[ "$(row 48990001 | jq -r .images)" = 35 ]' && ok "everybody sees it"
like "$(row 48990001 | jq -r '.fields.late')" '\+1 series' "... as late"

wetread-dcmgen --out "$E2E_DIR/typo" --accession 48999999 --pid 700001 --issuer STA --name OKAFOR^MARY --slices 3 --columns 64 --seed 3 >/dev/null
holds "images with a mistyped accession come in" send "$E2E_DIR/typo"/*.dcm
wait_for 10 "they are a row of their own, unmatched" is_in 48999999 unmatched && ok "they are a row of their own, unmatched"

# ---- an association that breaks off, objects of one UID: no report is signed on what is not all
like "$(order 48990003 700003 'DOE^JANE')" 'MSA\|AA' "an order is taken"
wait_for 10 "it is on the list" is_in 48990003 ordered
holds "somebody says it is ready" as sup1 ready 48990003
wetread-dcmgen --out "$E2E_DIR/cut" --accession 48990003 --pid 700003 --issuer STA --name DOE^JANE --slices 300 --columns 192 --seed 9 >/dev/null
storescu -aet CT1 -aec WETREAD 127.0.0.1 "$DICOM_PORT" "$E2E_DIR/cut"/*.dcm >/dev/null 2>&1 &
cut=$!
wait_for 10 "its first slices are there" eval 'find "$SITE/images/incoming" -name "*.dcm" | grep -q .'
kill -9 $cut
wait $cut 2>/dev/null
wait_for 10 "its association breaks off" eval 'row 48990003 | jq -r .images_late | grep -q "^incomplete: the association broke off after"' &&
	ok "an association that breaks off is shown"
is "$(row 48990003 | jq -r '.state')" ready "... of a study that stays ready"
as okafor claim 48990003 >/dev/null
fails 1 "... and is not signed before that was acknowledged" as okafor finish 48990003 --as final no bleed
holds "sent again" send "$E2E_DIR/cut"/*.dcm
wait_for 10 "it is whole" eval '[ "$(row 48990003 | jq -c "[.images, .images_late, .acknowledge]")" = "[300,null,null]" ]' && ok "... it is whole, and nothing is to be acknowledged"

# ---- death of the adapter: started again, nothing lost, told once
dicom=$(pgrep -P "${PID[wetreadd]}" -f wetread-dicom)
kill -9 "$dicom"
wait_for 15 "it is started again" listening "$DICOM_PORT" && ok "it is started again where it was"
wetread-dcmgen --out "$E2E_DIR/after" --accession 48990002 --pid 700002 --slices 4 --columns 64 --seed 4 >/dev/null
wait_for 15 "it takes images again" send "$E2E_DIR/after"/*.dcm && ok "it takes images again"
wait_for 10 "they are told" is_in 48990002 unmatched && ok "they are told"
is "$(row 48990001 | jq -r '.images')" 35 "what was there before stays as it was"
finish
