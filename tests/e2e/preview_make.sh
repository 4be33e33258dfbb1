#!/usr/bin/env bash
# Small pictures are made of what comes in: right in every syntax, said plainly where there are none, and by nothing
# that a sender can bring down.
. "${top_srcdir:?}/tests/e2e/dicom_lib.sh"
: "${top_builddir:?}"
need wetread-preview gdcmconv dcmdjpeg dcmdjpls dcmdrle dcmj2pnm dcmcjpeg dcmcjpls dcmconv
/usr/bin/python3 -c 'import pydicom, numpy' 2>/dev/null || bail "the test needs pydicom and numpy" "fix: contrib/deps.sh test"

# ---- each way of writing pixels, against numpy

files=$E2E_DIR/files
mkdir "$files"
seed=0
for kind in ct mr dx us; do
	for syntax in ile ele ebe deflated rle; do
		seed=$((seed + 1))
		generate "$E2E_DIR/one" --kind $kind --syntax $syntax --slices 3 --columns 300 --seed $seed
		mv "$E2E_DIR/one/$kind-1-0001.dcm" "$files/$kind-$syntax.dcm"
	done
done
ct=$files/ct-ele.dcm us=$files/us-ele.dcm
{
	dcmcjpeg +e1 "$ct" "$files/jpeg-ll.dcm" && dcmcjpeg +el "$ct" "$files/jpeg-ll14.dcm" &&
		dcmcjpeg +eb +q 95 "$us" "$files/jpeg.dcm" && dcmcjpeg +eb +q 95 +s4 "$us" "$files/jpeg-422.dcm" &&
		dcmcjpls "$ct" "$files/jls.dcm" && dcmcjpls +en "$ct" "$files/jls-near.dcm" && dcmcjpls "$us" "$files/jls-us.dcm" &&
		gdcmconv --j2k "$ct" "$files/j2k.dcm" && gdcmconv --j2k "$us" "$files/j2k-us.dcm" &&
		gdcmconv --jpeg "$ct" "$files/jpeg-gdcm.dcm" && dcmconv +e "$ct" "$files/undefined.dcm" &&
		dcmconv -F "$ct" "$files/bare.dcm"
	"$top_srcdir/tests/lib/photometric.py" "$ct" "$files" &&
		dcmcjpeg +ee "$files/grey8.dcm" "$files/jpeg-12.dcm" && dcmcjpeg +es "$files/grey8.dcm" "$files/jpeg-spectral.dcm" &&
		dcmcjpeg +ep "$files/grey8.dcm" "$files/jpeg-progressive.dcm" && dcmcjpeg +e1 "$files/rgb.dcm" "$files/jpeg-ll-rgb.dcm" &&
		dcmcrle "$files/palette16.dcm" "$files/rle-palette.dcm" && dcmcrle "$files/ybr-full.dcm" "$files/rle-ybr.dcm" &&
		gdcmconv --j2k "$files/grey8-frames.dcm" "$files/j2k-frames.dcm" &&
		gdcmconv --j2k --lossy -q 40 "$us" "$files/j2k-lossy.dcm"
} >"$E2E_DIR/convert.log" 2>&1 || bail "files of each kind can be made" "$(tail -3 "$E2E_DIR/convert.log")"
n=$(find "$files" -name '*.dcm' | wc -l)
out=$("$top_srcdir/tests/lib/preview_check.py" "$top_builddir" "$files" 2>&1)
is "$(tail -n 1 <<<"$out")" "$n files, 0 wrong" "every syntax and every way of writing colours gives the pictures that numpy sees"
is "$(grep -c 'PSNR' <<<"$out")" "$n" "... and each was compared"
[ "$(tail -n 1 <<<"$out")" = "$n files, 0 wrong" ] || note "$(grep -v '^ok.*PSNR' <<<"$out")"

# Files of the world outside, where a collection is at hand.
world=${WETREAD_SHARED:-$top_srcdir/../shared}/data/dicom
if [ -d "$world" ] && [ -n "${WETREAD_ALL_FILES:-}" ]; then
	out=$("$top_srcdir/tests/lib/preview_check.py" "$top_builddir" "$world" 2>&1)
	like "$(tail -n 1 <<<"$out")" ' files, 0 wrong$' "... and so do the world's: $(tail -n 1 <<<"$out")"
fi

# ---- policy

why_of() { jq -r ".series[0].why // \"none\"" "$1/manifest.json"; }
one=$E2E_DIR/policy
mkdir "$one"
cp "$us" "$one/"
holds "pictures can be refused by modality" wetread-preview --identity-only 'US MG' "$one" "$E2E_DIR/no-us"
is "$(why_of "$E2E_DIR/no-us")" "no preview: by policy, none are made of US" "... and the manifest says why"
holds "the top of a picture can be blanked" wetread-preview --blank-top 20 --blank US "$one" "$E2E_DIR/blank"
holds "... and is not elsewhere" wetread-preview --blank-top 20 --blank SC "$one" "$E2E_DIR/whole"
top_of() { # the brightest value in the uppermost 15 %
	rm -rf "$E2E_DIR/raw"
	mkdir "$E2E_DIR/raw"
	"$top_builddir/tests/lib/pvwdump" "$1" "$E2E_DIR/raw" >"$E2E_DIR/raw.rows"
	local n place w h ch
	read -r n place _ w h ch _ <"$E2E_DIR/raw.rows"
	/usr/bin/python3 -c 'import sys, numpy as np; f, w, h, c = sys.argv[1], *map(int, sys.argv[2:])
a = np.fromfile(f, np.int32).reshape(h, w, c); print(int(a[: h * 15 // 100].max()))' "$E2E_DIR/raw/$n-$place.raw" "$w" "$h" "$ch"
}
like "$(top_of "$E2E_DIR/blank")" '^[0-9]$|^1[0-9]$' "nothing is left of the banner"
like "$(top_of "$E2E_DIR/whole")" '^[0-9]{2,3}$' "... where there was one"

# ---- what is shown first

generate "$E2E_DIR/chest" --kind dx --columns 256
/usr/bin/python3 - "$E2E_DIR/chest" <<'P' || bail "the lateral view can be made the first"
import glob, pydicom, sys
for path in glob.glob(sys.argv[1] + "/*.dcm"):
    ds = pydicom.dcmread(path)
    ds.InstanceNumber = 1 if ds.ViewPosition == "LATERAL" else 2
    ds.save_as(path)
P
holds "pictures of a chest" wetread-preview "$E2E_DIR/chest" "$E2E_DIR/views"
is "$(jq -c '.series[0] | [.first, .frontal, (.slices | length)]' "$E2E_DIR/views/manifest.json")" '[1,true,2]' "the view from the front is the first to show"

# The lateral view is MONOCHROME1, the other is not; air is dark in both.
mkdir "$E2E_DIR/air"
"$top_builddir/tests/lib/pvwdump" "$E2E_DIR/views" "$E2E_DIR/air" >"$E2E_DIR/air.rows"
is "$(jq '.series[0].invert // false' "$E2E_DIR/views/manifest.json")" false "it is shown as the first one is"
is "$(while read -r n place _ w h _; do
	/usr/bin/python3 -c 'import sys, numpy as np; f, w, h = sys.argv[1], *map(int, sys.argv[2:])
a = np.fromfile(f, np.int32).reshape(h, w); print("dark" if a[:9, :9].mean() < a[h // 2 :, w // 4 : -w // 4].mean() else "bright")' \
		"$E2E_DIR/air/$n-$place.raw" "$w" "$h"
done <"$E2E_DIR/air.rows" | sort | uniq -c | tr -s ' ')" " 2 dark" "... and air is dark in both"

# ---- two images at one position

generate "$E2E_DIR/twice" --kind ct --columns 64 --slices 6
/usr/bin/python3 - "$E2E_DIR/twice" <<'P' || bail "two slices can be put at one position"
import glob, pydicom, sys
files = [pydicom.dcmread(path) for path in glob.glob(sys.argv[1] + "/*.dcm")]
files.sort(key=lambda ds: ds.InstanceNumber)
files[3].ImagePositionPatient = files[2].ImagePositionPatient
files[3].save_as(files[3].filename)
P
holds "pictures of slices at one position" wetread-preview "$E2E_DIR/twice" "$E2E_DIR/both"
is "$(jq -c '.series[0] | [.total, (.slices | length), ([.slices[].z] | unique | length), .slices[2].z == .slices[3].z,
	((.gap * 4 - (.slices[5].z - .slices[0].z)) | fabs) < 0.1]' "$E2E_DIR/both/manifest.json")" '[6,6,5,true,true]' \
	"all are counted and shown, and a cut across takes each position once"

# ---- with the intake

intake_ini '[preview]' 'workers = 2' 'slices = 8'
intake_start
generate "$E2E_DIR/ct" --accession A77 --slices 20 --columns 128
holds "a study is taken" send CT1 "$E2E_DIR/ct"/*.dcm
wait_for 10 "it is indexed" has_stored 20 || finish
key=$(sql 'select key from study limit 1')
preview=$IMAGES/preview/$key
is_complete() { [ "$(jq .complete "$1/manifest.json" 2>/dev/null)" = true ]; }
wait_for 20 "its pictures are made, and made again when it is complete" is_complete "$preview" && ok "its pictures are made, and made again when it is complete"
is "$(jq -c '.series[] | [.modality, .total, (.slices | length), .why]' "$preview/manifest.json")" '["CT",20,8,null]' "eight of its twenty slices"
is "$(find "$preview" -name '*.pvw' | wc -l)" 1 "what an older manifest named is gone"
is "$(stat -c %a "$preview" "$preview"/* | sort -u | tr '\n' ' ')" "600 700 " "nobody else may read them"

# A sender of poison: each of these ends a decoder or a reader of headers.
poison=$E2E_DIR/poison
mkdir "$poison"
/usr/bin/python3 - "$E2E_DIR/ct" "$poison" "$files/j2k.dcm" "$files/jls.dcm" <<'P' || bail "hostile files can be made"
import glob, random, sys
import pydicom
ct, out = sorted(glob.glob(sys.argv[1] + "/*.dcm")), sys.argv[2]
rnd = random.Random(7)
uid = "1.2.826.0.1.3680043.2.1143.66"
for i in range(12):
    ds = pydicom.dcmread(sys.argv[3 + i % 2] if i % 3 else ct[i])
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid + ".1", uid + ".2"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid + ".3.%d" % i
    ds.AccessionNumber, ds.SeriesNumber, ds.InstanceNumber = "EVIL", 1, i
    ds.ImagePositionPatient = [0, 0, i]
    px = bytearray(ds.PixelData)
    if i % 3:
        for _ in range(60):
            px[rnd.randrange(8, len(px))] = rnd.randrange(256)
    else:
        px = px[: len(px) // 2 & ~1]
    ds.PixelData = bytes(px)
    if i == 3:
        ds.Rows = ds.Columns = 65535
    if i == 6:
        ds.NumberOfFrames = 2000000000
    if i == 9:
        ds.BitsStored = 0
    ds.save_as(out + "/%02d.dcm" % i)
P
generate "$E2E_DIR/good" --accession GOOD --slices 4 --columns 64
for f in "$poison"/*.dcm; do storescu -aet CT1 -aec WETREAD -xv 127.0.0.1 "$PORT" "$f" >/dev/null 2>&1 || storescu -aet CT1 -aec WETREAD -xt 127.0.0.1 "$PORT" "$f" >/dev/null 2>&1 || send CT1 "$f" >/dev/null 2>&1; done
holds "a good study is taken beside poison" send CT1 "$E2E_DIR/good"/*.dcm
folder_of() { echo "$IMAGES/preview/$(sql "select key from study where accession = '$1'")"; }
wait_for 30 "the good one's pictures are made" eval 'is_complete "$(folder_of GOOD)"' && ok "the good one's pictures are made"
wait_for 90 "the bad one has a manifest too" eval 'is_complete "$(folder_of EVIL)"' && ok "the bad one has a manifest too"
like "$(why_of "$(folder_of EVIL)")" 'missing: |no preview: ' "... that says what is wrong: $(why_of "$(folder_of EVIL)")"
intake_alive && ok "the intake lives" || not_ok "the intake lives"
no_work() { [ -z "$(find "$IMAGES/preview" -name "*.work")" ]; }
wait_for 30 "no decoder left a file" no_work && ok "no decoder left a file"

# ---- deaths

# A maker lives for a blink: the key of its folder is worked out beforehand, and who was too quick gets another study.
killed=
for try in 1 2 3 4 5 6 7 8; do
	uid=1.2.826.0.1.3680043.2.1143.77.$try
	generate "$E2E_DIR/late" --accession LATE --slices 12 --columns 512 --kind mr --study-uid "$uid"
	key=$(printf %s "$uid" | sha256sum | cut -c1-32)
	send MR1 "$E2E_DIR/late"/*.dcm || bail "a study is taken"
	until=$((SECONDS + 5))
	while [ -z "$killed" ] && [ $SECONDS -lt $until ] && ! is_complete "$IMAGES/preview/$key"; do
		pid=$(pgrep -f "^$top_builddir/wetread-preview .*$key" | head -1)
		[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null && killed=$pid
	done
	[ -z "$killed" ] || break
done
[ -n "$killed" ] && ok "a maker is killed at its work" || not_ok "a maker is killed at its work"
folder_of() { if [ "$1" = LATE ]; then echo "$IMAGES/preview/$key"; else echo "$IMAGES/preview/$(sql "select key from study where accession = '$1'")"; fi; }
wait_for 20 "it is tried again with the next news" eval 'is_complete "$(folder_of LATE)"' && ok "the next one makes it"
kill -9 "$INTAKE"
wait "${PID[intake]}" 2>/dev/null
unset "PID[intake]"
no_maker() { ! pgrep -f "^$top_builddir/wetread-preview .*$IMAGES" >/dev/null; }
wait_for 20 "no maker is left" no_maker # one would find its folder gone below it
rm -rf "${IMAGES:?}/preview"/*
intake_start
wait_for 40 "after a crash what is missing is made" eval 'is_complete "$(folder_of LATE)" && is_complete "$(folder_of A77)"' && ok "after a crash what is missing is made"
is "$(damaged)" "" "the images are as they were"
finish
