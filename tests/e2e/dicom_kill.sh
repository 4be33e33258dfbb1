#!/usr/bin/env bash
# kill -9 of any process during twenty concurrent associations: what was acknowledged is there, nothing half is.
. "${top_srcdir:?}/tests/e2e/dicom_lib.sh"
intake_ini '[limit]' 'associations = 40' 'per-source = 40'
intake_start
senders=20 each=8
for i in $(seq $senders); do generate "$E2E_DIR/s$i" --accession "S$i" --seed "$i" --slices $each --columns 128 --kind mr; done

# A sender that notes each object whose C-STORE came back with success, and goes on after a lost association.
cat >"$E2E_DIR/sender" <<'S'
#!/usr/bin/env bash
port=$1 dir=$2 acked=$3
for f in "$dir"/*.dcm; do
	for try in $(seq 40); do
		if storescu -aet CT1 -aec WETREAD -to 5 127.0.0.1 "$port" "$f" >/dev/null 2>&1; then
			echo "$f" >>"$acked"
			break
		fi
		sleep 0.1
	done
done
S
chmod +x "$E2E_DIR/sender"
pids=()
for i in $(seq $senders); do
	: >"$E2E_DIR/acked$i"
	"$E2E_DIR/sender" "$PORT" "$E2E_DIR/s$i" "$E2E_DIR/acked$i" &
	pids+=($!)
done
acked() { cat "$E2E_DIR"/acked* | wc -l; }
kills=0
restarts=0
for round in 1 2 3 4 5 6; do
	before=$(acked)
	wait_for 20 "senders get on" eval "[ \$(acked) -gt $((before + 6)) ] || [ \$(acked) -ge $((senders * each)) ]"
	# some of its children (associations, header readers), then, every other time, itself
	mapfile -t children < <(pgrep -P "$INTAKE" | shuf | head -3)
	for c in "${children[@]}"; do kill -9 "$c" 2>/dev/null && kills=$((kills + 1)); done
	if [ $((round % 2)) = 0 ]; then
		kill -9 "$INTAKE"
		kills=$((kills + 1))
		wait "${PID[intake]}" 2>/dev/null
		unset "PID[intake]"
		intake_start
		restarts=$((restarts + 1))
	fi
done
for p in "${pids[@]}"; do wait "$p"; done
is "$(acked)" $((senders * each)) "after $kills kills and $restarts restarts every sender got every object through"
wait_for 20 "everything is filed" nothing_waits && ok "everything is filed"
is "$(stored)" $((senders * each)) "every acknowledged object is in the index, once"
is "$(damaged)" "" "every file is whole"
is "$(find "$IMAGES/study" -name '*.dcm' | wc -l)" $((senders * each)) "there is no file beside them"
is "$(find "$IMAGES/incoming" -mindepth 1 | wc -l)" 0 "no folder is left behind"
is "$(sql 'select count(*) from aside')" 0 "nothing was put aside"
# What the sender has is what is stored: the data sets byte for byte, behind the file meta information.
python3 - "$IMAGES" "$E2E_DIR" <<'P' && ok "each stored data set is what was sent" || not_ok "each stored data set is what was sent"
import glob, hashlib, struct, sys
def data_set(path):
    b = open(path, "rb").read()
    return hashlib.sha256(b[144 + struct.unpack("<I", b[140:144])[0]:]).hexdigest()
sent = {data_set(f) for f in glob.glob(sys.argv[2] + "/s*/*.dcm")}
kept = {data_set(f) for f in glob.glob(sys.argv[1] + "/study/*/*/*.dcm")}
sys.exit(sent != kept)
P
wait_for 20 "the last totals are told" eval "[ \"\$(told arrived | jq -s 'group_by(.set.study_uid) | map(map(.set.images) | max) | add')\" = $((senders * each)) ]" &&
	ok "what was told in the end is what there is"
finish
