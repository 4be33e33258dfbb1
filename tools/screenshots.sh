#!/usr/bin/env bash
# screenshots.sh [OUT] - what pictures look like on real terminals: xterm and kitty under Xvfb, as PNG files in OUT (./screenshots).
#
# ONLY=REGEX draws those whose names match.  Needs Debian's xterm, kitty (with libgl1-mesa-dri), xvfb and fonts-dejavu-core beside the build.  A real coordinator, a CT of a head and X-rays of a chest made by
# wetread-dcmgen; a file a way of drawing.  Look at them: a program cannot tell whether anatomy can be recognised.
# shellcheck disable=SC2317 # functions that wait_for runs
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}/tests/e2e/lib.sh"
need Xvfb xterm kitty wetread wetreadd wetreadctl wetread-preview wetread-dcmgen /usr/bin/python3
OUT=${1:-screenshots}
mkdir -p "$OUT"
site_new sup1 okafor
ctl user add pacs role=service unix=pacs >/dev/null || bail "an account for the images"
coordinator_start

IMAGES=$SITE/images
key_of() { printf %s "$1" | sha256sum | cut -c1-32; }
study() { # study UID ACCESSION KIND MODALITY [SEED]
	local folder
	folder=$IMAGES/study/$(key_of "$1")
	mkdir -p "$folder" "$IMAGES/preview"
	wetread-dcmgen --out "$folder" --kind "$3" --accession "$2" --study-uid "$1" --seed "${5:-1}" >/dev/null &&
		wetread-preview --complete "$folder" "$IMAGES/preview/$(key_of "$1")" >/dev/null &&
		/usr/bin/python3 "$top_srcdir/tests/lib/talk.py" "$SITE/run/core.sock" pacs images.arrived \
			"{\"op\":\"a-$1\",\"site\":\"STANNE\",\"aet\":\"CT1\",\"set\":{\"study_uid\":\"$1\",\"accession\":\"$2\",\"pid\":\"0093312\",\"name\":\"OKAFOR^MARY\",\"birth\":\"1962-03-01\",\"sex\":\"F\",\"exam\":\"$4 DEMO\",\"modality\":\"$4\",\"images\":28,\"series\":1}}" >/dev/null
}
study 1.2.826.0.1.3680043.2.1143.4 48009001 ct CT 9 || bail "an earlier CT is there"
study 1.2.826.0.1.3680043.2.1143.1 48011930 ct CT || bail "a CT is there"
study 1.2.826.0.1.3680043.2.1143.2 48011931 dx DX || bail "an X-ray is there"
study 1.2.826.0.1.3680043.2.1143.3 48011932 us US || bail "an ultrasound is there"

# ---- a display, and consoles on it

mkdir "$E2E_DIR/fb"
display=:$((200 + $$ % 500))
start xvfb Xvfb "$display" -screen 0 1400x1000x24 -fbdir "$E2E_DIR/fb" -nolisten tcp
wait_for 15 "a display" test -e "/tmp/.X11-unix/X${display#:}" || finish
frames=$E2E_DIR/frames
field() { tail -n 1 "$frames" 2>/dev/null | sed -n "s/.* $1 \([^ ]*\).*/\1/p"; }
typed=0
has_typed() { [ "$(field input)" -ge "$typed" ] && [ "$(field keys)" = open ]; }
press() { # press KEYS: and waits until they were taken
	typed=$(($(field input) + ${#1})) # the terminal's own answers are input too
	printf %s "$1" >"$E2E_DIR/keys"
	wait_for 10 "the key $1 is taken" has_typed
}
whole() { [ "$(field film)" = "${1:-100}" ]; }
lists() { [ "$(field cursor)" -gt 0 ] 2>/dev/null && [ "$(field order)" = settled ]; }
# shoot NAME TERM STUDY KEYS SIZE [XTERM-OPTION...] -- [WETREAD-OPTION...]
shoot() {
	local name=$1 term=$2 filter=$3 keys=$4 size=$5 x=() typed=0 i emulator
	[[ $name =~ ${ONLY:-.} ]] || return 0
	shift 5
	while [ $# -gt 0 ] && [ "$1" != -- ]; do x+=("$1") && shift; done
	[ $# -eq 0 ] || shift
	rm -f "$E2E_DIR/keys" "$frames"
	mkfifo "$E2E_DIR/keys"
	if [ "$term" = xterm-kitty ]; then # draws by OpenGL
		emulator=(kitty --config NONE -o remember_window_size=no -o initial_window_width="${size%x*}c" -o initial_window_height="${size#*x}c"
			-o font_size=9 -o confirm_os_window_close=0 -o update_check_interval=0 -o "font_family=DejaVu Sans Mono")
	else
		emulator=(xterm -tn "$term" -geometry "$size+0+0" -fa 'DejaVu Sans Mono' -fs 9 -bg black -fg '#d0d0d0' "${x[@]}" -e)
	fi
	# shellcheck disable=SC2016 # expanded there
	start "xterm" env DISPLAY="$display" WETREAD_COORDINATOR="ssh://okafor@127.0.0.1:$SSH_PORT" WETREAD_IDENTITY="$KEYS/okafor" \
		NO_COLOR="${NO_COLOR:-}" WETREAD_TEST_FD=3 LIBGL_ALWAYS_SOFTWARE=1 "${emulator[@]}" \
		sh -c 'exec "$0" "$@" 3>>'"'$frames'" "$top_srcdir/tests/lib/relay.py" "$E2E_DIR/keys" wetread --filter "$filter" "$@"
	wait_for 20 "$name: the queue is there" lists || return
	press $'\r'
	wait_for 20 "$name: the picture is there" whole || return
	for ((i = 0; i < ${#keys}; i++)); do press "${keys:i:1}"; done
	wait_for 20 "$name: drawn anew" whole
	sleep 1 # xterm draws when it has time, and tells nobody
	"$top_srcdir/tests/lib/xwd2png.py" "$E2E_DIR/fb/Xvfb_screen0" "$OUT/$name.png" && ok "$name.png"
	stop xterm
}
for kind in ct:48011930 dx:48011931; do
	n=${kind%:*} f=${kind#*:}
	shoot "$n-30-greys" xterm-256color "$f" p 140x48
	shoot "$n-truecolor" xterm-direct "$f" p 140x48
	shoot "$n-16-colours" xterm-16color "$f" p 140x48
	NO_COLOR=1 shoot "$n-characters" xterm "$f" p 140x48
	shoot "$n-sixel" xterm-256color "$f" p 140x48 -ti vt340 # by its own answer
	shoot "$n-kitty" xterm-kitty "$f" p 140x48
	shoot "$n-80x24" xterm-256color "$f" '' 80x24
	shoot "$n-160x48" xterm-256color "$f" '' 160x48
done
shoot us-30-greys xterm-256color 48011932 p 140x48
shoot ct-8-greys xterm-256color 48011930 p 140x48 -- --slow
shoot ct-sheet xterm-256color 48011930 pzo 140x48
shoot ct-coronal xterm-256color 48011930 pzc 140x48
shoot ct-sagittal xterm-256color 48011930 pzs 140x48
shoot ct-brightest xterm-256color 48011930 pzm 140x48
shoot ct-prior-160x48 xterm-256color 48011930 zp 160x48
shoot ct-prior-whole xterm-256color 48011930 pzp.. 140x48
shoot ct-prior-sixel xterm-256color 48011930 pzp 140x48 -ti vt340
shoot ct-prior-80x24 xterm-256color 48011930 zp 80x24
shoot ct-sixel-help xterm-256color 48011930 'p?' 140x48 -ti vt340 # nothing of the picture may be left
shoot ct-bone xterm-256color 48011930 pWWWWW 140x48

# ---- themes: the queue of the invented night in each, at each depth

demo night >"$E2E_DIR/night.log" || bail "the night is accepted"
# look NAME TERM THEME KEYS SIZE [XTERM-OPTION...] -- [WETREAD-OPTION...]
look() {
	local name=$1 term=$2 theme=$3 keys=$4 size=$5 x=() typed=0 i
	[[ $name =~ ${ONLY:-.} ]] || return 0
	shift 5
	while [ $# -gt 0 ] && [ "$1" != -- ]; do x+=("$1") && shift; done
	[ $# -eq 0 ] || shift
	rm -f "$E2E_DIR/keys" "$frames"
	mkfifo "$E2E_DIR/keys"
	# shellcheck disable=SC2016 # expanded there
	start "xterm" env DISPLAY="$display" WETREAD_COORDINATOR="ssh://sup1@127.0.0.1:$SSH_PORT" WETREAD_IDENTITY="$KEYS/sup1" \
		NO_COLOR="${NO_COLOR:-}" WETREAD_TEST_FD=3 xterm -tn "$term" -geometry "$size+0+0" -fa 'DejaVu Sans Mono' -fs 9 -bg black -fg '#d0d0d0' "${x[@]}" -e \
		sh -c 'exec "$0" "$@" 3>>'"'$frames'" "$top_srcdir/tests/lib/relay.py" "$E2E_DIR/keys" wetread --theme "$theme" "$@"
	wait_for 20 "$name: the queue is there" lists || return
	for ((i = 0; i < ${#keys}; i++)); do press "${keys:i:1}"; done
	sleep 1 # xterm draws when it has time, and tells nobody
	"$top_srcdir/tests/lib/xwd2png.py" "$E2E_DIR/fb/Xvfb_screen0" "$OUT/$name.png" && ok "$name.png"
	stop xterm
}
light=(-bg '#f4f4f4' -fg '#202020')
for theme in dark terminal reading-room light high-contrast colour-blind mono; do
	ground=()
	[ $theme != light ] || ground=("${light[@]}")
	look "theme-$theme-256" xterm-256color $theme jj 120x40 "${ground[@]}"
	look "theme-$theme-direct" xterm-256color $theme jj 120x40 "${ground[@]}" -- --color=direct
	look "theme-$theme-16" xterm-16color $theme jj 120x40 "${ground[@]}"
done
NO_COLOR=1 look theme-dark-no-color xterm-256color dark jj 120x40
look theme-auto-on-light xterm-256color auto jj 120x40 "${light[@]}"
look theme-dialog xterm-256color reading-room a 120x40
look theme-a11y xterm-256color dark jja 120x40 -- --a11y
finish
