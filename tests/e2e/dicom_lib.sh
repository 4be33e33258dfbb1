# dicom_lib.sh - sourced by the tests of the image intake, after lib.sh's manner.
# shellcheck shell=bash
#
#     intake_start [LINE...]        wetread-dicom behind a fake coordinator; LINEs go into dicom.ini; $PORT
#     send AET FILE...              storescu
#     stored                        objects in the index
#     told METHOD                   the params of each message, one a line
. "${top_srcdir:?}/tests/e2e/lib.sh"
export TCP_NODELAY=1 PATH=$PATH:$top_builddir/tests/lib
need jq sqlite3 storescu echoscu wetread-dicom wetread-dcmgen
IMAGES=$E2E_DIR/images INI=$E2E_DIR/dicom.ini
# shellcheck disable=SC2034 # for the tests
CORE=$E2E_DIR/core.jsonl
PORT=0

intake_ini() { # intake_ini LINE...: a configuration that lets the tests' senders in
	printf '%s\n' '[listen]' 'ae = WETREAD' '[limit]' 'reserve = 0' 'idle = 5s' '[complete]' 'quiet = 300ms' \
		'[peer STORESCU]' 'site = STANNE' '[peer ECHOSCU]' 'site = STANNE' '[peer CT1]' 'site = STANNE' \
		'[peer MR1]' 'site = HARBOR' 'zone = Europe/Berlin' "$@" >"$INI"
}
intake_start() {
	[ $# -eq 0 ] && [ -e "$INI" ] || intake_ini "$@"
	rm -f "$E2E_DIR/intake.log" # what an earlier one said is not news
	start intake "$top_srcdir/tests/lib/fake_core.py" "$CORE" -- "$top_builddir/wetread-dicom" --core-fd 3 \
		--listen "127.0.0.1:$PORT" --config "$INI" --store "$IMAGES"
	wait_for 20 "the intake listens" grep -qs '^listening' "$E2E_DIR/intake.log" || finish
	PORT=$(sed -n 's/^listening .*://p' "$E2E_DIR/intake.log")
	INTAKE=$(sed -n 's/^started //p' "$E2E_DIR/intake.log")
	cat "$E2E_DIR/intake.log" >>"$E2E_DIR/all.log"
}
intake_says() { grep -q -- "$1" "$E2E_DIR/intake.log"; }
intake_alive() { kill -0 "$INTAKE" 2>/dev/null; }
send() { # send AET FILE...
	local aet=$1
	shift
	storescu -aet "$aet" -aec WETREAD 127.0.0.1 "$PORT" "$@"
}
generate() { wetread-dcmgen --out "$@" >/dev/null; }
sql() { sqlite3 -cmd '.timeout 5000' "$IMAGES/index.db" "$1"; }
stored() { sql 'select count(*) from instance'; }
has_stored() { [ "$(stored)" = "$1" ]; }
told() { jq -c "select(.method == \"images.$1\").params" "$CORE" 2>/dev/null; }
has_told() { [ "$(told "$1" | jq -s "$2")" = "$3" ]; } # has_told METHOD JQ-OVER-ALL VALUE
nothing_waits() { [ -z "$(find "$IMAGES/incoming" -type f 2>/dev/null)" ]; }
# Objects in the index whose file is missing or is not what it was.
damaged() {
	sql "select 'study/'||study||'/'||series||'/'||key||'.dcm', sha256 from instance" | tr '|' ' ' |
		while read -r file sha; do echo "$sha  $file"; done >"$E2E_DIR/sums"
	(cd "$IMAGES" && sha256sum --quiet -c "$E2E_DIR/sums" 2>&1)
}
