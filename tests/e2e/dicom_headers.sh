#!/usr/bin/env bash
# Headers: every value as pydicom reads it, of generated files in every transfer syntax there is a writer for.
. "${top_srcdir:?}/tests/e2e/lib.sh"
need wetread-dcmgen dcmcjpeg dcmcjpls dcmconv gdcmconv
/usr/bin/python3 -c 'import pydicom' 2>/dev/null || bail "the test needs pydicom" "fix: contrib/deps.sh test"
facts=$top_builddir/tests/lib/dcmfacts
files=$E2E_DIR/files
mkdir "$files"
seed=0
for kind in ct mr dx us; do
	for syntax in ile ele ebe deflated rle; do
		seed=$((seed + 1))
		wetread-dcmgen --out "$E2E_DIR/one" --kind $kind --syntax $syntax --slices 2 --columns 64 --seed $seed --offset +0130 >/dev/null
		mv "$E2E_DIR/one/$kind-1-0001.dcm" "$files/$kind-$syntax.dcm"
	done
done
is "$(find "$files" -name '*.dcm' | wc -l)" 20 "a file of each kind in each syntax of our own"
e=$files/ct-ele.dcm
holds "JPEG lossless" dcmcjpeg +e1 "$e" "$files/jpeg-ll.dcm"
holds "JPEG baseline" dcmcjpeg +eb "$files/us-ele.dcm" "$files/jpeg.dcm"
holds "JPEG-LS" dcmcjpls "$e" "$files/jls.dcm"
holds "JPEG 2000" gdcmconv --j2k "$e" "$files/j2k.dcm"
holds "undefined lengths" dcmconv +e "$e" "$files/undefined.dcm"
holds "a bare data set" dcmconv -F "$e" "$files/bare.dcm"
name() { # name FILE CHARSET BYTES
	wetread-dcmgen --out "$E2E_DIR/name" --columns 8 --slices 1 --charset "$2" --name "$(printf '%b' "$3")" >/dev/null &&
		mv "$E2E_DIR/name/ct-1-0001.dcm" "$files/name-$1.dcm"
}
name latin1 'ISO_IR 100' 'Buc^J\xe9r\xf4me'
name greek 'ISO_IR 126' '\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2'
name russian 'ISO_IR 144' '\xbb\xee\xda\x63\xe5\xdc\xd1yrg'
name arabic 'ISO_IR 127' '\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1'
name hebrew 'ISO_IR 138' '\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4'
name japanese '\ISO 2022 IR 87' 'Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B'
name korean '\ISO 2022 IR 149' 'Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf'
name chinese 'GB18030' 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab'
name utf8 'ISO_IR 192' 'Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1'
out=$("$top_srcdir/tests/lib/compare_headers.py" "$facts" "$top_srcdir/tbl/dicom_fact.def" "$files"/*.dcm 2>&1)
like "$(tail -n 1 <<<"$out")" '^[0-9]{3,} values of 35 files, 0 differences$' "every value is pydicom's"
[ "$(tail -n 1 <<<"$out" | grep -c ' 0 differences')" = 1 ] || note "$out"

# Files of the world outside, where a collection is at hand.
world=${WETREAD_SHARED:-$top_srcdir/../shared}/data/dicom
if [ -d "$world" ]; then
	mapfile -t all < <(find "$world" -type f ! -name '*.md' | sort)
	out=$("$top_srcdir/tests/lib/compare_headers.py" "$facts" "$top_srcdir/tbl/dicom_fact.def" "${all[@]}" 2>&1)
	like "$(tail -n 1 <<<"$out")" ' 0 differences$' "... of ${#all[@]} files of the world outside too: $(tail -n 1 <<<"$out")"
	[ "$(tail -n 1 <<<"$out" | grep -c ' 0 differences')" = 1 ] || note "$out"
fi
finish
