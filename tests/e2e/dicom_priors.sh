#!/usr/bin/env bash
# Earlier studies of a patient come from a real archive, by policy, and lie beside the new one; nobody else's do.
. "${top_srcdir:?}/tests/e2e/lib.sh"
export TCP_NODELAY=1
need jq sqlite3 storescu findscu movescu Orthanc curl wetread-dicom wetread-dcmgen wetread-hl7
DICOM_PORT=$(free_port)
site_new
pacs=$(free_port) http=$(free_port)
printf '%s\n' '[limit]' 'reserve = 0' '[complete]' 'quiet = 500ms' '[preview]' 'workers = 0' '[peer CT1]' 'site = STANNE' \
	'[peer ORTHANC]' 'site = HARBOR' '[priors]' "pacs = ORTHANC@127.0.0.1:$pacs" 'count = 2' 'years = 3' >"$SITE/dicom.ini"
cat >"$E2E_DIR/orthanc.json" <<J
{ "Name": "test", "StorageDirectory": "$E2E_DIR/orthanc", "IndexDirectory": "$E2E_DIR/orthanc", "DicomAet": "ORTHANC",
  "DicomPort": $pacs, "HttpPort": $http, "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "Plugins": [],
  "DicomModalities": { "wetread": ["WETREAD", "127.0.0.1", $DICOM_PORT] }, "DicomAlwaysAllowStore": true,
  "DicomAlwaysAllowFind": true, "DicomAlwaysAllowMove": true, "StorageCompression": false }
J
start orthanc Orthanc "$E2E_DIR/orthanc.json"
coordinator_start
wait_for 30 "the archive answers" curl -fs "http://127.0.0.1:$http/system" || finish
row() { as sup1 show "$1" --json 2>/dev/null; }
is_in() { [ "$(row "$1" | jq -r '.state')" = "$2" ]; }
send() { storescu -aet CT1 -aec WETREAD 127.0.0.1 "$DICOM_PORT" "$@"; }
make() { # make NAME ACCESSION WHEN ARGUMENT...
	local name=$1 acc=$2 when=$3
	shift 3
	wetread-dcmgen --columns 32 --slices 3 --out "$E2E_DIR/$name" --accession "$acc" --when "$when" --pid 700001 --issuer STA --name OKAFOR^MARY \
		--birth 19620301 "$@" >/dev/null
}
make old1 OLD1 20260110120000 --seed 1
make old2 OLD2 20250615120000 --seed 2 --kind mr
make chest OLD3 20260601120000 --seed 3 --kind dx
make ancient OLD4 20190101120000 --seed 4
make third OLD5 20240301120000 --seed 5
make same OLD6 20260201120000 --seed 6 --name DOE^JOHN --birth 19900101
make other OLD7 20260301120000 --seed 7 --pid 700002
holds "the archive has seven studies" storescu -aec ORTHANC 127.0.0.1 "$pacs" "$E2E_DIR"/{old1,old2,chest,ancient,third,same,other}/*.dcm

make new NEW1 20261121060000 --seed 8
holds "images of a new one come" send "$E2E_DIR/new"/*.dcm
wait_for 10 "they are a row" is_in NEW1 unmatched
wait_for 20 "the newest of the same part of the body comes" is_in OLD1 prior && ok "the newest of the same part of the body comes"
wait_for 20 "... and the next one, rather of the same modality" is_in OLD5 prior && ok "... and the next one, rather of the same modality"
wait_for 20 "that is all" grep -q 'priors of study .*: 2 asked for, 2 fetched' "$E2E_DIR/wetreadd.log" && ok "that is all"
wait_for 10 "they are whole" eval '[ "$(row OLD1 | jq .images)/$(row OLD5 | jq .images)" = 3/3 ]' && ok "they are whole"
is "$(row OLD1 | jq -r '[.site, .patient.id, .patient.name] | join(" ")')" "STANNE 700001 OKAFOR^MARY" "... at the site of the new one, where its patient is"
is "$(sqlite3 "$SITE/images/index.db" "select group_concat(accession, ' ') from (select accession from study order by 1)")" "NEW1 OLD1 OLD5" \
	"nothing of another part of the body, too old, too many, of another name or another id was sent"
is "$(as sup1 list --json | jq -r 'map(.accession) | sort | join(" ")')" NEW1 "nobody is asked to read them"
like "$(as sup1 show NEW1)" 'prior OLD1, 2026-01-10, CT CT HEAD WITHOUT CONTRAST, 3 images' "show names them"
is "$(row NEW1 | jq -r '.priors | map(.accession) | join(" ")')" "OLD1 OLD5" "... in the order of their likeness and age"
is "$(find "$SITE/images/query" -name '*.dcm' -newer "$SITE/dicom.ini" -exec grep -l OKAFOR {} + | wc -l)" 0 "nothing of the answers stays"
fails 1 "a prior cannot be claimed" as okafor claim OLD1

# ---- a second new study of the same patient finds them here
make new2 NEW2 20261121070000 --seed 9
holds "another study comes" send "$E2E_DIR/new2"/*.dcm
wait_for 20 "its priors are seen to" eval '[ "$(grep -c "priors of study .* fetched" "$E2E_DIR/wetreadd.log")" = 2 ]' && ok "its priors are seen to"
is "$(sqlite3 "$SITE/images/index.db" "select count(*) from instance where aet = 'ORTHANC'")" 6 "nothing is fetched twice"

# ---- an archive that is not there is tried again, and nobody waits for it
stop orthanc KILL
make new3 NEW3 20261121080000 --seed 10
holds "images come without the archive" send "$E2E_DIR/new3"/*.dcm
wait_for 20 "they are there" is_in NEW3 unmatched && ok "they are there"
wait_for 30 "the log says that it does not answer" grep -q 'priors of study .*: the archive did not answer' "$E2E_DIR/wetreadd.log" && ok "the log says that it does not answer"
grep -q 'OKAFOR\|700001' "$E2E_DIR/wetreadd.log" && not_ok "the log names no patient" || ok "the log names no patient"
finish
