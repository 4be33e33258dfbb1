#!/usr/bin/env bash
# terminal.sh - what the console writes to its terminal, and how long a key takes to show
. "${top_srcdir:?}/bench/lib.sh"
need jq wetread /usr/bin/python3
site_new sup1
coordinator_start
demo night >"$E2E_DIR/night.log" || bail "the night is accepted" "$(tail -3 "$E2E_DIR/night.log")"

console() { # console SIZE READY IDLE KEYS
	WETREAD_COORDINATOR=ssh://sup1@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/sup1 \
		"$top_srcdir/tools/ptycount.py" --size "$1" --ready "$2" --idle "$3" --keys "$4" -- wetread
}
# The median over the keys of one kind.
median() { jq -r "[.keys[] | select(.key == \"$1\") | .$2] | sort | .[length / 2 | floor]" <<<"$out"; }

for size in 80x24 160x48; do
	out=$(console $size STANNE 30 jjjjjjjjjjkkkkk) || bail "the console starts at $size" "$out"
	target=() && [ $size = 80x24 ] && target=('<=' 4096)
	row "$size: bytes until the first table stands" "$(jq .start.bytes <<<"$out")" B "${target[@]}"
	row "$size: from its start to the first table, SSH included" "$(jq .start.paint_ms <<<"$out")" ms
	target=() && [ $size = 80x24 ] && target=('<=' 60)
	row "$size: idle, urgent rows ticking" "$(jq '.idle.bytes / .idle.seconds * 10 | round / 10' <<<"$out")" B/s "${target[@]}"
	target=() && [ $size = 80x24 ] && target=('<=' 250)
	row "$size: a key that moves the cursor" "$(median j bytes)" B "${target[@]}"
	row "  writes" "$(median j writes)" ""
done

for rows in 10000 100000; do
	[ $rows -le "${BENCH_MAX_ROWS:-100000}" ] || continue
	demo load --ready --senders 16 --count $((rows - ${loaded:-0})) --first "${loaded:-0}" >"$E2E_DIR/load.log" || bail "$rows orders are accepted"
	loaded=$rows
	out=$(console 160x48 STANNE 0 jjjjjjjjjj$'\x06\x06\x06\x06\x06'GgGgGg) || bail "the console starts with $rows studies" "$out"
	row "$rows studies: first table, SSH included" "$(jq .start.paint_ms <<<"$out")" ms
	row "$rows studies: key to the end of its frame, down a row" "$(median j last_ms)" ms '<=' 5
	row "$rows studies: down a page" "$(median '\u0006' last_ms)" ms '<=' 5
	row "$rows studies: to the last row" "$(median G last_ms)" ms '<=' 5
	target=() && [ $rows = 100000 ] && target=('<=' 60)
	row "$rows studies: memory of the console" "$(jq '.rss_kb / 1024 * 10 | round / 10' <<<"$out")" MB "${target[@]}"
done
