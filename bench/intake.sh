#!/usr/bin/env bash
# intake.sh - images in: 500 slices of 526 kB beside DCMTK's storescp, four senders at once, from an archive; headers
. "${top_srcdir:?}/bench/lib.sh"
export TCP_NODELAY=1
need jq curl python3 storescu storescp Orthanc wetread-dicom wetread-dcmgen
PATH=$PATH:${top_builddir:?}/tests/lib
IMAGES=$E2E_DIR/images

# ---- what is sent: 500 CT slices of one study, and four of 125

wetread-dcmgen --out "$E2E_DIR/ct" --accession B500 --pid B1 --slices 500 --columns 512 >/dev/null || bail "500 slices can be made"
for i in 1 2 3 4; do
	wetread-dcmgen --out "$E2E_DIR/part$i" --accession "B12$i" --pid "B1$i" --seed $((100 + i)) --slices 125 --columns 512 >/dev/null
done
row "500 slices" "$(du -sb "$E2E_DIR/ct" | awk '{ printf "%.0f", $1 / 1e6 }')" MB

timed() { # timed COMMAND...: seconds it took; what it says goes to a log
	local from=$EPOCHREALTIME
	"$@" >"$E2E_DIR/timed.log" 2>&1 || return
	awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }'
}
best() { # best COMMAND...: the least of three; the machine is shared
	local t least=
	for _ in 1 2 3; do
		t=$(timed "$@") || return
		least=$(awk -v a="${least:-$t}" -v b="$t" 'BEGIN { print a < b ? a : b }')
	done
	echo "$least"
}
push() { storescu -aet CT1 -aec WETREAD 127.0.0.1 "$1" +sd "$2"; }
push_four() {
	local p pids=()
	for p in 1 2 3 4; do
		push "$1" "$E2E_DIR/part$p" &
		pids+=($!)
	done
	for p in "${pids[@]}"; do wait "$p" || return; done
}
cpu_of() { # processor seconds of a process and of its children that ended
	awk '{ sub(/.*\) /, ""); print ($12 + $13 + $14 + $15) / '"$(getconf CLK_TCK)"' }' "/proc/$1/stat"
}

# ---- DCMTK's, which does not sync, and the same bytes synced one file at a time

port=$(free_port)
mkdir "$E2E_DIR/theirs"
start storescp storescp --fork +B +xa -aet WETREAD -od "$E2E_DIR/theirs" "$port"
wait_for 10 "storescp listens" listening "$port" || finish
theirs=$(best push "$port" "$E2E_DIR/ct")
row "storescp, one association, nothing synced" "$theirs" s
theirs_four=$(best push_four "$port")
row "storescp, four at once, nothing synced" "$theirs_four" s
stop storescp
synced() { # what syncing alone costs: the same files written and synced one after the other
	python3 - "$E2E_DIR/ct" "$E2E_DIR/synced" <<'P'
import glob, os, sys, time
os.makedirs(sys.argv[2], exist_ok=True)
took = 0
for i, f in enumerate(sorted(glob.glob(sys.argv[1] + "/*.dcm"))):
    b = open(f, "rb").read()
    t = time.monotonic()
    with open(f"{sys.argv[2]}/{i}", "wb") as out:
        out.write(b)
        out.flush()
        os.fdatasync(out.fileno())
    took += time.monotonic() - t
print(f"{took:.2f}")
P
}
disk=$(synced)
row "the disk alone: 500 files written and synced in turn" "$disk" s
rm -rf "$E2E_DIR/theirs" "$E2E_DIR/synced"

# ---- ours

ini() {
	printf '%s\n' '[limit]' 'reserve = 0' '[complete]' 'quiet = 300ms' '[preview]' 'workers = 0' '[peer CT1]' 'site = STANNE' \
		'[peer ORTHANC]' 'site = STANNE' >"$E2E_DIR/dicom.ini"
}
intake_start() {
	ini
	start intake "$top_srcdir/tests/lib/fake_core.py" "$E2E_DIR/core.jsonl" -- "$top_builddir/wetread-dicom" --core-fd 3 \
		--listen 127.0.0.1:0 --config "$E2E_DIR/dicom.ini" --store "$IMAGES"
	wait_for 20 "the intake listens" grep -qs '^listening' "$E2E_DIR/intake.log" || finish
	PORT=$(sed -n 's/^listening .*://p' "$E2E_DIR/intake.log")
	INTAKE=$(sed -n 's/^started //p' "$E2E_DIR/intake.log")
}
filed() { [ -z "$(find "$IMAGES/incoming" -type f)" ]; }
intake_start
ours=$(best push "$PORT" "$E2E_DIR/ct")
wait_for 60 "all is filed" filed
row "one association, each object synced before it is acknowledged" "$ours" s '<=' 3
row "  beside storescp, which does not sync" "$(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')" times
row "  beside the disk alone" "$(awk -v a="$ours" -v b="$disk" 'BEGIN { printf "%.2f", a / b }')" times
four=$(best push_four "$PORT")
wait_for 60 "all is filed" filed
row "four associations at once, 125 each" "$four" s '<=' 4
used=$(cpu_of "$INTAKE")
count=$(sqlite3 "$IMAGES/index.db" 'select count(*) from instance')
row "objects in the index" "$count" objects '>=' 1000
row "  processor time an object, header, digest and index too" "$(awk -v c="$used" 'BEGIN { printf "%.2f", c * 1000 / 3000 }')" ms
row "most memory of the listener" "$(awk '/VmHWM/ { print $2 }' "/proc/$INTAKE/status")" kB '<=' 32000
stop intake

# ---- from an archive

rm -rf "$IMAGES"
intake_start
dicom=$(free_port) http=$(free_port)
cat >"$E2E_DIR/orthanc.json" <<J
{ "Name": "bench", "StorageDirectory": "$E2E_DIR/orthanc", "IndexDirectory": "$E2E_DIR/orthanc", "DicomAet": "ORTHANC",
  "DicomPort": $dicom, "HttpPort": $http, "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "Plugins": [],
  "DicomModalities": { "wetread": ["WETREAD", "127.0.0.1", $PORT] }, "DicomAlwaysAllowStore": true, "StorageCompression": false }
J
start orthanc Orthanc "$E2E_DIR/orthanc.json"
if wait_for 30 "Orthanc answers" curl -fs "http://127.0.0.1:$http/system" &&
	storescu -aec ORTHANC 127.0.0.1 "$dicom" +sd "$E2E_DIR/ct" >"$E2E_DIR/orthanc-in.log" 2>&1; then
	study=$(curl -fs "http://127.0.0.1:$http/studies" | jq -r '.[0]')
	row "Orthanc pushes 500" "$(timed curl -fs -X POST "http://127.0.0.1:$http/modalities/wetread/store" -d "$study")" s '<=' 6
else
	cannot "Orthanc pushes 500" "$(tail -1 "$E2E_DIR/orthanc.log")"
fi
stop orthanc
wait_for 60 "all is filed" filed
stop intake

# ---- headers

command -v dcmfacts >/dev/null || {
	cannot "processor time a header" "make tests/lib/dcmfacts"
	exit 0
}
dcmfacts "$E2E_DIR/ct"/*.dcm >/dev/null # once, for the page cache
TIMEFORMAT='%U %S'
t=$({ time dcmfacts "$E2E_DIR/ct"/*.dcm >/dev/null; } 2>&1)
row "processor time a header, 500 in one process" "$(awk '{ printf "%.0f", ($1 + $2) * 1e6 / 500 }' <<<"$t")" us '<=' 100
