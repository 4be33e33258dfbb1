#!/usr/bin/env bash
# Objects come in: verified, stored, indexed, told; in every syntax; several senders at once; who is not let in.
. "${top_srcdir:?}/tests/e2e/dicom_lib.sh"
need dcmcjpls openssl
intake_start

holds "C-ECHO is answered" echoscu -aet CT1 -aec WETREAD 127.0.0.1 "$PORT"
fails 1 "another called title is rejected" echoscu -aet CT1 -aec OTHER 127.0.0.1 "$PORT"
fails 1 "another calling title is rejected" echoscu -aet NOBODY -aec WETREAD 127.0.0.1 "$PORT"
is "$(find "$IMAGES/incoming" -type f | wc -l)" 0 "none of that left a file"

generate "$E2E_DIR/ct" --accession A77 --slices 12 --columns 64 --when 20260701120000
holds "a study is taken" send CT1 "$E2E_DIR/ct"/*.dcm
wait_for 10 "all of it is indexed" has_stored 12 && ok "all of it is indexed"
wait_for 10 "its completion is told" has_told complete length 1 && ok "its completion is told"
is "$(told arrived | tail -n 1 | jq -c '[.site, .aet, .set.accession, .set.name, .set.modality, .set.images, .set.series, .set.birth]')" \
	'["STANNE","CT1","A77","PHANTOM^PAT","CT",12,1,"1962-03-01"]' "what is told is what the headers say"
is "$(told arrived | tail -n 1 | jq '.set.last_image')" "$(date -u -d '2026-07-01 12:00' +%s)000" "a time without an offset is in the sender's zone (UTC)"
is "$(told complete | jq -c .set.images)" 12 "completion says how many there are"
is "$(damaged)" "" "every file is what the index says"
wait_for 5 "nothing is left in incoming/" nothing_waits && ok "nothing is left in incoming/"
f=$(sql "select 'study/'||study||'/'||series||'/'||key||'.dcm' from instance limit 1")
holds "a stored file is a DICOM file" dcmdump -M +P 0008,0018 "$IMAGES/$f"

holds "the same study again is acknowledged" send CT1 "$E2E_DIR/ct"/*.dcm
wait_for 5 "... and recognised" nothing_waits
is "$(stored)/$(sql 'select count(*) from aside')" 12/0 "... and changes nothing"
generate "$E2E_DIR/other" --accession A77 --slices 1 --columns 64 --name CHANGED^NAME
holds "another object under a known UID is acknowledged" send CT1 "$E2E_DIR/other"/*.dcm
wait_for 5 "... and put aside" has_told refused length 1
is "$(stored)/$(sql 'select count(*) from aside')" 12/1 "... and kept aside"
like "$(told refused | jq -r .reason)" 'same SOP Instance UID' "... and reported"
wait_for 10 "... counted" eval 'told arrived | jq -e "select(.set.aside == 1 and .set.aside_uid == 1)"' && ok "... and counted in its study"
[ -s "$IMAGES/$(told refused | jq -r .file)" ] && ok "... under the name that was told"

# ---- one more series makes the study grow, and complete again
generate "$E2E_DIR/ct2" --accession A77 --slices 3 --columns 64 --series 2
holds "a late series is taken" send CT1 "$E2E_DIR/ct2"/*.dcm
wait_for 10 "it is told as a second completion" has_told complete length 2 && ok "it is told as a second completion"
is "$(told arrived | tail -n 1 | jq -c '[.set.images, .set.series]')" '[15,2]' "totals count both series"

# ---- every transfer syntax as it is
n=15
for syntax in ile ele ebe deflated rle; do
	generate "$E2E_DIR/$syntax" --syntax $syntax --slices 1 --columns 64 --accession "T-$syntax" --kind mr
	opt=-xe
	case $syntax in ile) opt=-xi ;; ebe) opt=-xb ;; deflated) opt=-xd ;; rle) opt=-xr ;; esac
	holds "$syntax is taken" storescu $opt -aet MR1 -aec WETREAD 127.0.0.1 "$PORT" "$E2E_DIR/$syntax/mr-1-0001.dcm"
	n=$((n + 1))
done
dcmcjpls "$E2E_DIR/ct/ct-1-0001.dcm" "$E2E_DIR/jls.dcm" && dcmodify -nb -gin "$E2E_DIR/jls.dcm" 2>/dev/null
holds "JPEG-LS is taken" storescu -xt -aet CT1 -aec WETREAD 127.0.0.1 "$PORT" "$E2E_DIR/jls.dcm"
wait_for 10 "they are all indexed" has_stored $((n + 1)) && ok "they are all indexed"
is "$(sql "select group_concat(s, ' ') from (select distinct syntax s from instance order by 1)")" \
	"1.2.840.10008.1.2 1.2.840.10008.1.2.1 1.2.840.10008.1.2.1.99 1.2.840.10008.1.2.2 1.2.840.10008.1.2.4.80 1.2.840.10008.1.2.5" \
	"... each in the syntax it was sent in"
is "$(told arrived | jq -r 'select(.aet == "MR1").site' | sort -u)" HARBOR "a study is of its sender's site"

# ---- several at once
for i in 1 2 3 4; do generate "$E2E_DIR/par$i" --accession "PAR$i" --seed "$i" --slices 20 --columns 64; done
pids=()
for i in 1 2 3 4; do
	send CT1 "$E2E_DIR/par$i"/*.dcm >/dev/null 2>&1 &
	pids+=($!)
done
failed=0
for p in "${pids[@]}"; do wait "$p" || failed=1; done
is $failed 0 "four senders at once are served"
wait_for 10 "all of theirs is indexed" has_stored $((n + 81)) && ok "all of theirs is indexed"

# ---- an abort within a study
generate "$E2E_DIR/cut" --accession CUT --slices 200 --columns 128
storescu -aet CT1 -aec WETREAD 127.0.0.1 "$PORT" "$E2E_DIR/cut"/*.dcm >/dev/null 2>&1 &
p=$!
wait_for 10 "its first objects are there" eval '[ "$(sql "select count(*) from study where accession = '"'CUT'"'")" = 1 ]'
kill -9 $p
wait $p 2>/dev/null
wait_for 10 "the association is over" nothing_waits
is "$(told complete | jq -r .set.study_uid | grep -c "$(sql "select uid from study where accession = 'CUT'")")" 0 \
	"a study that broke off is not told as complete"
wait_for 10 "that it is incomplete is told" eval '[ "$(told arrived | jq "select(.set.accession == \"CUT\") | .set.incomplete // empty" | tail -n 1)" = "$(sql "select images from study where accession = '"'CUT'"'")" ]' &&
	ok "... but, once, as incomplete"
intake_says 'closed the connection\|connection was lost' && ok "... and the log says so"
holds "sent again it becomes whole" send CT1 "$E2E_DIR/cut"/*.dcm
wait_for 10 "... and complete" eval 'told complete | grep -q "$(sql "select uid from study where accession = '"'CUT'"'")"' && ok "... and complete"

# ---- idle senders, and more than there are places
exec 7<>"/dev/tcp/127.0.0.1/$PORT"
holds "somebody who says nothing blocks nobody" echoscu -aet CT1 -aec WETREAD 127.0.0.1 "$PORT"
exec 7>&-
intake_ini '[limit]' 'per-source = 1' 'idle = 1s' 'request = 1s'
kill -HUP "$INTAKE"
wait_for 5 "the configuration is read again" eval '[ "$(grep -c "senders, called" "$E2E_DIR/intake.log")" = 2 ]' && ok "the configuration is read again at SIGHUP"
exec 7<>"/dev/tcp/127.0.0.1/$PORT"
fails 1 "one more than its share is told to come back" echoscu -aet CT1 -aec WETREAD 127.0.0.1 "$PORT"
wait_for 5 "the silent one is sent away" eval 'echoscu -aet CT1 -aec WETREAD 127.0.0.1 "$PORT"' && ok "the silent one is sent away after its time"
exec 7>&-
echo 'quiet = soon' >>"$INI"
kill -HUP "$INTAKE"
wait_for 5 "a wrong line is named" intake_says 'dicom.ini:[0-9]*: ' && ok "a wrong configuration is named by line and changes nothing"
wait_for 5 "it still serves" eval 'echoscu -aet CT1 -aec WETREAD 127.0.0.1 "$PORT"' && ok "it still serves"

# ---- a full disk is told as a reason to try again
intake_ini '[limit]' 'reserve = 1000T'
kill -HUP "$INTAKE"
wait_for 5 "read again" eval '[ "$(grep -c "senders, called" "$E2E_DIR/intake.log")" = 3 ]'
generate "$E2E_DIR/full" --accession FULL --slices 1 --columns 8
like "$(send CT1 -v "$E2E_DIR/full"/*.dcm 2>&1)" 'Refused: OutOfResources' "below the reserve an object is refused with 0xA700"
holds "... while C-ECHO goes on" echoscu -aet CT1 -aec WETREAD 127.0.0.1 "$PORT"
wait_for 5 "... and it is reported" eval 'told refused | grep -q reserve' && ok "... and it is reported"

# ---- what one association may bring
intake_ini '[limit]' 'objects = 2'
kill -HUP "$INTAKE"
wait_for 5 "read again" eval '[ "$(grep -c "senders, called" "$E2E_DIR/intake.log")" = 4 ]'
generate "$E2E_DIR/many" --accession MANY --slices 4 --columns 64
is "$(send CT1 -v -nh "$E2E_DIR/many"/*.dcm 2>&1 | grep -c 'Success)')" 2 "an association brings as many objects as it may"
wait_for 5 "... and it is reported" eval 'told refused | grep -q "limit. objects"' && ok "... and it is reported"
intake_ini '[limit]' 'object = 1M' 'bytes = 1M'
kill -HUP "$INTAKE"
wait_for 5 "read again" eval '[ "$(grep -c "senders, called" "$E2E_DIR/intake.log")" = 5 ]'
generate "$E2E_DIR/large" --accession LARGE --slices 1 --columns 1024 --kind mr
like "$(send CT1 -v "$E2E_DIR/large"/*.dcm 2>&1)" 'Refused: OutOfResources' "an object that is too large is refused with 0xA700"
generate "$E2E_DIR/bytes" --accession BYTES --slices 4 --columns 512 --seed 9
is "$(send CT1 -v -nh "$E2E_DIR/bytes"/*.dcm 2>&1 | grep -c 'Success)')" 2 "an association brings as many bytes as it may"
wait_for 10 "nothing of what was refused stays" nothing_waits && ok "nothing of what was refused stays"

# ---- end
stop intake
intake_says 'sandbox forbids' && not_ok "no process broke its sandbox" || ok "no process broke its sandbox"

# ---- TLS, with certificates on both sides
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=wetread -keyout "$E2E_DIR/key.pem" \
	-out "$E2E_DIR/cert.pem" >/dev/null 2>&1
intake_ini '[listen]' 'tls.cert = cert.pem' 'tls.key = key.pem' 'tls.ca = cert.pem'
PORT=0
intake_start
tls=(+tls "$E2E_DIR/key.pem" "$E2E_DIR/cert.pem" +cf "$E2E_DIR/cert.pem")
holds "an object comes over TLS" storescu "${tls[@]}" -aet CT1 -aec WETREAD 127.0.0.1 "$PORT" "$E2E_DIR/full"/*.dcm
fails 1 "... not without a certificate" storescu +tla +cf "$E2E_DIR/cert.pem" -aet CT1 -aec WETREAD 127.0.0.1 "$PORT" "$E2E_DIR/full"/*.dcm
fails 1 "... and not in the plain" echoscu -ta 3 -aet CT1 -aec WETREAD 127.0.0.1 "$PORT"
wait_for 5 "it is indexed" eval '[ "$(sql "select count(*) from study where accession = '"'FULL'"'")" = 1 ]' && ok "it is indexed"
holds "the program says a good configuration is good" wetread-dicom --check --config "$INI"
sed -i 's/^ae = .*/ea = X/' "$INI"
fails 2 "... and a wrong one is wrong" wetread-dicom --check --config "$INI"
finish
