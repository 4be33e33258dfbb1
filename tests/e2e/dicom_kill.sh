#!/usr/bin/env bash
# kill -9 of every process at random during twenty concurrent associations: what was acknowledged is there, nothing half is.
. "${top_srcdir:?}/tests/e2e/lib.sh"
export TCP_NODELAY=1
need jq sqlite3 storescu wetread-dicom wetread-dcmgen wetread-preview python3
DICOM_PORT=$(free_port)
site_new sup1
printf '%s\n' '[limit]' 'associations = 60' 'per-source = 60' 'reserve = 0' '[complete]' 'quiet = 1s' '[peer CT1]' 'site = STANNE' >"$SITE/dicom.ini"
IMAGES=$SITE/images
coordinator_start
senders=20 each=25
for i in $(seq $senders); do
	wetread-dcmgen --out "$E2E_DIR/s$i" --accession "S$i" --pid "P$i" --seed "$i" --slices $each --columns 128 --kind mr >/dev/null
done

# A sender as an archive is one: all it still has over one association, what was answered with success is done, the rest again.
cat >"$E2E_DIR/sender" <<'S'
#!/usr/bin/env bash
port=$1 dir=$2 acked=$3
for try in $(seq 100); do
	mapfile -t left < <(comm -23 <(ls "$dir"/*.dcm) <(sort -u "$acked"))
	[ ${#left[@]} -gt 0 ] || exit 0
	# "I: Sending file: F" ... "I: Received Store Response (Success)"
	storescu -v -aet CT1 -aec WETREAD -to 5 -ta 5 -td 10 127.0.0.1 "$port" "${left[@]}" 2>&1 |
		sed -un 's/^I: Sending file: //p; s/^I: Received Store Response (Success)$/=/p' |
		while read -r line; do if [ "$line" = = ]; then echo "$file" >>"$acked"; else file=$line; fi; done
	sleep 0.1
done
exit 1
S
chmod +x "$E2E_DIR/sender"
pids=()
for i in $(seq $senders); do
	: >"$E2E_DIR/acked$i"
	"$E2E_DIR/sender" "$DICOM_PORT" "$E2E_DIR/s$i" "$E2E_DIR/acked$i" &
	pids+=($!)
done
acked() { cat "$E2E_DIR"/acked* | wc -l; }
progress() { [ "$(acked)" -gt $(($1 + 8)) ] || [ "$(acked)" -ge $((senders * each)) ]; }
tree() { # every process below this one that is ours
	local c
	for c in $(pgrep -P "$1"); do echo "$c" && tree "$c"; done
}
killed=() restarts=0
for round in 1 2 3 4 5 6 7 8; do
	wait_for 30 "senders get on" progress "$(acked)" || break
	# eight of all there are: associations, header readers, picture makers, adapters, gate; and every fourth time the coordinator
	mapfile -t victims < <(tree "${PID[wetreadd]}" | shuf | head -8)
	[ $((round % 4)) != 0 ] || victims+=("${PID[wetreadd]}")
	for v in "${victims[@]}"; do
		what=$(cat "/proc/$v/comm" 2>/dev/null) && kill -9 "$v" 2>/dev/null && killed+=("$what")
	done
	if [ $((round % 4)) = 0 ]; then
		stop wetreadd KILL
		start wetreadd wetreadd --dir "$SITE"
		restarts=$((restarts + 1))
	fi
	wait_for 30 "images are taken again" listening "$DICOM_PORT"
done
note "killed: $(printf '%s\n' "${killed[@]}" | sort | uniq -c | tr -s ' \n' ' '); $restarts of the coordinator"
lost=0
for p in "${pids[@]}"; do wait "$p" || lost=$((lost + 1)); done
is $lost 0 "after ${#killed[@]} kills every sender got every object through"
is "$(acked)" $((senders * each)) "... and counts each once"
sql() { sqlite3 -cmd '.timeout 5000' "$IMAGES/index.db" "$1"; }
nothing_waits() { [ -z "$(find "$IMAGES/incoming" -mindepth 1)" ]; }
wait_for 30 "everything is filed and no folder is left behind" nothing_waits && ok "everything is filed and no folder is left behind"
is "$(sql 'select count(*) from instance')" $((senders * each)) "every acknowledged object is in the index, once"
is "$(ctl store verify --json | jq -c '[.good, .bad]')" "[$((senders * each)),0]" "every file is whole, and there is none beside them"
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
wait_for 20 "consoles come in" listening "$SSH_PORT"
counts() { as sup1 list --json 2>/dev/null | jq -c '[length, ([.[].images] | add), ([.[].images] | min)]'; }
wait_for 30 "the queue has all of them" eval '[ "$(counts)" = "[$senders,$((senders * each)),$each]" ]' && ok "the queue counts what the senders count, study by study"
holds "the journal's chain is whole" ctl journal verify
finish
