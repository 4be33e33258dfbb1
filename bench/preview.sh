#!/usr/bin/env bash
# preview.sh - small pictures: making them, fetching a head's on slow links, and the queue beside them
. "${top_srcdir:?}/bench/lib.sh"
need jq nsenter wetread wetread-preview wetread-dcmgen
looker=$top_builddir/bench/looker shape=$top_builddir/tools/netshape
UID_OF_IT=1.2.826.0.1.3680043.2.1143.1

# Run by netshape, with a link of the wished kind in place: prints what the looker saw.
if [ "${1:-}" = inside ]; then
	exec 9>&1 >&2
	E2E_PASSED=1
	SITE=$BENCH_SITE KEYS=$SITE/keys SSH_PORT=$BENCH_PORT
	cp -a "$BENCH_TEMPLATE" "$SITE"
	sed -i "s/^listen *= *127.0.0.1:$SSH_PORT/listen = $NETSHAPE_ADDR:$SSH_PORT/; s/^listen *= *127.0.0.1:.*/listen = off/" "$SITE/wetreadd.conf"
	know_host "$SITE" "$NETSHAPE_ADDR" "$SSH_PORT"
	# shellcheck disable=SC2086 # NETSHAPE_S is a command and its option
	start wetreadd $NETSHAPE_S wetreadd --dir "$SITE"
	far_listens() { $NETSHAPE_C bash -c "exec 3<>/dev/tcp/$NETSHAPE_ADDR/$SSH_PORT"; }
	wait_for 20 "wetreadd listens in its namespace" far_listens || finish
	# shellcheck disable=SC2086
	$NETSHAPE_C "$looker" --target "ssh://okafor@$NETSHAPE_ADDR:$SSH_PORT" --identity "$KEYS/okafor" \
		--known-hosts "$SITE/known_hosts" STANNE/A1 >&9
	exit
fi

# ---- making

folder=$E2E_DIR/head
wetread-dcmgen --out "$folder" --kind ct --slices 28 --columns 512 --accession A1 --study-uid "$UID_OF_IT" >/dev/null || bail "a head can be made"
best=
for _ in 1 2 3; do
	TIMEFORMAT='%R %U %S'
	t=$({ time wetread-preview --complete "$folder" "$E2E_DIR/made" >/dev/null; } 2>&1)
	[ -n "$best" ] && awk -v a="$t" -v b="$best" 'BEGIN { exit !(a + 0 >= b + 0) }' || best=$t
done
row "28 slices of 512 x 512: made in" "$(cut -d' ' -f1 <<<"$best")" s
row "  processor time a picture" "$(awk '{ printf "%.0f", ($2 + $3) * 1000 / 28 }' <<<"$best")" ms '<=' 65
row "  bytes, all of them" "$(cat "$E2E_DIR/made"/*.pvw | wc -c)" B
row "  bytes of the manifest" "$(wc -c <"$E2E_DIR/made/manifest.json")" B

# ---- drawing

while read -r what us bytes; do
	case $what in
	decode-600) row "decode 600 bytes" "$(awk -v u="$us" 'BEGIN { printf "%.1f", u / 1000 }')" ms '<=' 3 ;;
	decode) row "decode all $bytes bytes" "$(awk -v u="$us" 'BEGIN { printf "%.1f", u / 1000 }')" ms '<=' 3 ;;
	window) row "window and level" "$(awk -v u="$us" 'BEGIN { printf "%.1f", u / 1000 }')" ms ;;
	sixel | kitty) row "512 x 512 pixels as $what, $bytes bytes" "$(awk -v u="$us" 'BEGIN { printf "%.1f", u / 1000 }')" ms ;;
	*) row "80 x 40 cells, $what, $bytes bytes" "$(awk -v u="$us" 'BEGIN { printf "%.1f", u / 1000 }')" ms '<=' 2 ;;
	esac
done < <("$top_builddir/bench/frame" "$E2E_DIR/made")

# ---- fetching

if ! "$shape" --rtt 1 -- true 2>"$E2E_DIR/shape.log"; then
	cannot "pictures on a slow link" "$(tail -1 "$E2E_DIR/shape.log")"
	exit 0
fi
site_new sup1 okafor
ctl user add pacs role=service unix=pacs >/dev/null
coordinator_start
mkdir -p "$SITE/images/preview"
cp -a "$E2E_DIR/made" "$SITE/images/preview/$(printf %s "$UID_OF_IT" | sha256sum | cut -c1-32)"
/usr/bin/python3 "$top_srcdir/tests/lib/talk.py" "$SITE/run/core.sock" pacs images.arrived \
	"{\"op\":\"a\",\"site\":\"STANNE\",\"set\":{\"study_uid\":\"$UID_OF_IT\",\"accession\":\"A1\",\"pid\":\"P1\",\"modality\":\"CT\",\"images\":28,\"series\":1}}" >/dev/null ||
	bail "the coordinator is told"
stop wetreadd
export BENCH_TEMPLATE=$SITE BENCH_PORT=$SSH_PORT
link() { # link RATE RTT FIRST COARSE: limits in seconds
	local out
	out=$(BENCH_SITE=$E2E_DIR/site-$1-$2 "$shape" --rate "$1" --rtt "$2" -- "$0" inside 2>"$E2E_DIR/inside.log") || {
		cannot "pictures at $1 kbit/s, $2 ms" "$(tail -2 "$E2E_DIR/inside.log" | tr '\n' ' ')"
		return
	}
	local idle manifest first coarse all bytes wire credit
	read -r idle manifest first coarse all bytes wire credit < <(jq -r \
		'[.idle_ms, .manifest_ms, .first_ms, .coarse_ms, .all_ms, .bytes, .wire_bytes, .credit] | @tsv' <<<"$out")
	echo_at() { jq -r --argjson p "$1" '.echoes | sort | .[(length - 1) * $p / 100 | floor]' <<<"$out"; }
	times_idle() { awk -v e="$(echo_at "$1")" -v i="$idle" 'BEGIN { printf "%.2f", e / i }'; }
	seconds() { awk -v t="$1" 'BEGIN { printf "%.2f", t / 1000 }'; }
	row "$1 kbit/s, $2 ms (idle round trip $idle ms): the first picture" "$(seconds "$first")" s '<=' "$3"
	row "  of this the manifest" "$(seconds "$manifest")" s
	row "  a picture of each slice" "$(seconds "$coarse")" s '<=' "$4"
	row "  all $bytes bytes" "$(seconds "$all")" s
	row "  share of the line used, from the manifest on" "$(awk -v b="$wire" -v t="$((all - manifest))" -v r="$1" 'BEGIN { printf "%.0f", b * 8 / t / r * 100 }')" %
	row "  share of the line used, for the second half of them" "$(jq -r --argjson r "$1" '(.wire_bytes - .half_wire_bytes) * 8 / (.all_ms - .half_ms) / $r * 100 | round' <<<"$out")" % '>=' 85
	row "  bytes on the line for each byte of pictures" "$(awk -v w="$wire" -v b="$bytes" 'BEGIN { printf "%.2f", w / b }')" B
	row "  a queue event beside them, median" "$(echo_at 50)" ms
	row "    times idle" "$(times_idle 50)" x '<=' 1.6
	row "    times idle, 95th percentile" "$(times_idle 95)" x '<=' 2
	row "  under way at the end" "$credit" B
}
link 256 600 1.0 4
link 56 600 1.1 6
link 256 100 0.5 2
link 56 100 0.6 4
