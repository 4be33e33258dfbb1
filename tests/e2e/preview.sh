#!/usr/bin/env bash
# preview.sh - small pictures from files to a terminal, over SSH: drawn, labelled, on record, and only for those who may.
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need wetread wetreadd wetreadctl wetread-gate wetread-preview wetread-dcmgen jq /usr/bin/python3
site_new sup1 okafor aud
ctl user add pacs role=service unix=pacs >/dev/null || bail "an account for the images"
ctl user add elsewhere role=radiologist sites=HARBOR >/dev/null && make_key "$KEYS" elsewhere &&
	ctl key add elsewhere "$KEYS/elsewhere.pub" >/dev/null || bail "a reader of another site"
coordinator_start

IMAGES=$SITE/images
key_of() { printf %s "$1" | sha256sum | cut -c1-32; }
arrive() { # arrive UID ACCESSION MODALITY
	/usr/bin/python3 "$top_srcdir/tests/lib/talk.py" "$SITE/run/core.sock" pacs images.arrived \
		"{\"op\":\"a-$1\",\"site\":\"STANNE\",\"aet\":\"CT1\",\"set\":{\"study_uid\":\"$1\",\"accession\":\"$2\",\"pid\":\"P1\",\"name\":\"OKAFOR^MARY\",\"birth\":\"1962-03-01\",\"sex\":\"F\",\"modality\":\"$3\",\"images\":24,\"series\":1}}" >/dev/null
}
make_study() { # make_study UID ACCESSION KIND SLICES
	local folder
	folder=$IMAGES/study/$(key_of "$1")
	mkdir -p "$folder" "$IMAGES/preview"
	wetread-dcmgen --out "$folder" --kind "$3" --slices "$4" --columns 256 --accession "$2" --study-uid "$1" >/dev/null &&
		wetread-preview --complete "$folder" "$IMAGES/preview/$(key_of "$1")" >/dev/null && arrive "$1" "$2" "$(tr '[:lower:]' '[:upper:]' <<<"$3")"
}
holds "a CT is there" make_study 1.2.826.0.1.3680043.2.1143.1 A1 ct 24
holds "an ultrasound is there" make_study 1.2.826.0.1.3680043.2.1143.2 A2 us 6
holds "a study without pictures is there" arrive 1.2.826.0.1.3680043.2.1143.3 A3 CT

# ---- in words

is "$(as okafor preview A1 --json | jq -c '[.study.accession, .complete, (.series | length), (.series[0].slices | length), .series[0].images]')" \
	'["A1",true,1,24,24]' "a program is told what there is"
fails 1 "of a study without pictures that is said" as okafor preview A3
like "$(as okafor preview A3 2>&1)" 'no small pictures' "... in words"
fails 1 "nobody sees a study of a site that is not theirs" as elsewhere preview A1
fails 2 "a wrong format is a mistake" as okafor preview A1 --format gif
fails 2 "a wrong window is a mistake" as okafor preview A1 --window liverish
for window in 1e400/nan inf/40 nan/0 400/inf 0/40 2e6/0 400/-2e6; do
	fails 2 "... and so is $window" as okafor preview A1 --window $window
done
fails 1 "a series that is not there is said" as okafor preview A1 --series 99

# ---- symbols

out=$(as okafor preview A1 --size 60x20)
like "$(sed -n 1p <<<"$out")" '^NOT FOR DIAGNOSIS  A1  OKAFOR, MARY  1962-03-01  F  P1  STANNE' "the first line says whose it is"
like "$(sed -n 2p <<<"$out")" '^CT .*series 1.* slice 13/24  W[0-9]+ L-?[0-9]+  100% of 256x256 received' "the second what it is"
is "$(wc -l <<<"$out")" 22 "below are as many lines as there may be"
is "$(grep -c $'\x1b' <<<"$out")" 0 "into a pipe there are no colours"
as okafor preview A1 --size 60x20 --slice 2 -o "$E2E_DIR/a.txt" || not_ok "a file is written"
is "$(stat -c %a "$E2E_DIR/a.txt")" 600 "a file is for its owner"
like "$(cat "$E2E_DIR/a.txt")" $'\x1b\\[38;5;2[0-9]+m' "it has colours"
like "$(sed -n 2p "$E2E_DIR/a.txt")" 'slice 2/24' "... of the slice that was asked for"
[ "$(as okafor preview A1 --window bone --size 40x20)" != "$(as okafor preview A1 --window 80/40 --size 40x20)" ] && ok "another window is another picture"
like "$(as okafor preview A1 --window bone --size 40x20 | sed -n 2p)" 'W2000 L500' "... and says so"

# ---- pixels

as okafor preview A1 -o "$E2E_DIR/a.png" || not_ok "a PNG is written"
as okafor preview A2 -o "$E2E_DIR/us.png" || not_ok "a PNG in colour is written"
png() { # checks every chunk, prints size, kind and how much of it is lit
	/usr/bin/python3 - "$1" <<'P'
import struct, sys, zlib
b = open(sys.argv[1], "rb").read()
assert b[:8] == b"\x89PNG\r\n\x1a\n"
at, data, text = 8, b"", b""
while at < len(b):
    n, kind = struct.unpack(">I4s", b[at:at + 8])
    body = b[at + 8:at + 8 + n]
    assert zlib.crc32(kind + body) == struct.unpack(">I", b[at + 8 + n:at + 12 + n])[0]
    if kind == b"IHDR": w, h, depth, colour = struct.unpack(">IIBB", body[:10])
    if kind == b"IDAT": data += body
    if kind == b"tEXt": text += body
    at += 12 + n
raw = zlib.decompress(data)
row = w * (3 if colour == 2 else 1)
assert len(raw) == (row + 1) * h
print(w, h, colour, text.split(b"\0")[-1].decode())
P
}
like "$(png "$E2E_DIR/a.png")" '^512 5[0-9][0-9] 0 NOT FOR DIAGNOSIS$' "the PNG is one, with a caption"
like "$(png "$E2E_DIR/us.png")" ' 2 NOT FOR DIAGNOSIS$' "... and in colour where the picture is"
is "$(stat -c %a "$E2E_DIR/a.png")" 600 "it is for its owner"
like "$(as okafor preview A1 --format sixel | tr '\n' ' ')" $'^NOT FOR DIAGNOSIS.*\x1bP0;1q"1;1;[0-9]+;[0-9]+#0;2;0;0;0' "sixels come behind the words"
like "$(as okafor preview A1 --format kitty | tr '\n' ' ')" $'^NOT FOR DIAGNOSIS.*\x1b_Ga=T,f=100,q=2,c=[0-9]+,r=[0-9]+,m=1;' "and so do kitty's"

# ---- on record

record=$(as aud ping >/dev/null && ctl audit export --since 1h 2>/dev/null)
views=$(ctl journal tail 2>/dev/null | grep -c preview)
[ "$views" -gt 0 ] || views=$(grep -c 'preview\.' <<<"$record")
like "$views" '^[1-9][0-9]+$' "each look is on record"

# ---- made anew under the eyes of somebody: never a mixture

stop_at=$((SECONDS + 6))
anew() {
	while [ $SECONDS -lt $stop_at ]; do
		wetread-preview --complete --slices $((RANDOM % 24 + 1)) "$IMAGES/study/$(key_of 1.2.826.0.1.3680043.2.1143.1)" \
			"$IMAGES/preview/$(key_of 1.2.826.0.1.3680043.2.1143.1)" >/dev/null
	done
}
anew &
maker=$!
bad='' looks=0
while [ $SECONDS -lt $stop_at ]; do
	got=$(as okafor preview A1 --size 20x10 2>&1)
	status=$?
	looks=$((looks + 1))
	[ $status -eq 0 ] || [[ $got == *'made anew'* ]] || bad+="$status: $got"$'\n'
done
wait $maker
is "$bad" "" "while they are made anew, $looks looks see a picture or are told to look again"
finish
