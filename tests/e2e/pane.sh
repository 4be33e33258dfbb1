#!/usr/bin/env bash
# pane.sh - from a modality to the eye: images by C-STORE, a study that becomes ready, a picture in a console over SSH.
# shellcheck disable=SC2317 # functions that wait_for runs
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need tmux storescu wetread wetreadd wetreadctl wetread-gate wetread-dicom wetread-preview wetread-dcmgen
DICOM_PORT=$(free_port)
site_new sup1 okafor
printf '%s\n' '[listen]' 'ae = WETREAD' '[limit]' 'reserve = 0' '[complete]' 'quiet = 500ms' '[peer CT1]' 'site = STANNE' >"$SITE/dicom.ini"
coordinator_start

exec 3<>"/dev/tcp/127.0.0.1/$MLLP_PORT" || bail "MLLP listens"
printf '\x0bMSH|^~\\&|STARIS|STANNE|RQ|TELERAD|20261121120000||ORM^O01|M1|P|2.5.1\rPID|1||P1^^^STANNE^MR||OKAFOR^MARY||19620301|F\rPV1|1|E\rORC|NW|PL1|48000911||SC\rOBR|1|PL1|48000911|CTH^CT HEAD W/O^L||||||||||||||||||||CT|||^^^^^S\r\x1c\r' >&3
IFS= read -r -d $'\x1c' -t 5 -u 3 ack
like "$ack" 'MSA\|AA' "an order for a CT"

# ---- the console, before there are images

TMUX_SOCK=wetread-$$ frames=$E2E_DIR/frames
t() { tmux -L "$TMUX_SOCK" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; e2e_clean' EXIT
t new-session -d -s eye -x 80 -y 24 \
	"exec env -u TMUX TERM=tmux-256color WETREAD_TEST_FD=3 WETREAD_COORDINATOR=ssh://okafor@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/okafor \
	sh -c 'exec \"$top_builddir/wetread\" 3>>\"$frames\" 2>\"$E2E_DIR/eye.log\"'"
screen() { t capture-pane -p -t eye; }
sees() { screen | grep -qF -- "$1"; }
field() { tail -n 1 "$frames" 2>/dev/null | sed -n "s/.* $1 \([^ ]*\).*/\1/p"; }
hears() { [ "$(field input)" -ge "$1" ] && [ "$(field keys)" = open ]; }
press() { # press KEY...
	local n key
	for key; do
		n=$(field input)
		if [ "$key" = Enter ]; then t send-keys -t eye Enter; else t send-keys -t eye -l -- "$key"; fi
		wait_for 10 "the console hears $key" hears $((n + 1)) || bail "$key" "$(screen)"
	done
}
share() { [ "$(field film)" -ge "$1" ]; }
wait_for 20 "the order is in the queue" sees 48000911 || bail "a console" "$(screen; cat "$E2E_DIR/eye.log")"
press Enter
holds "no picture, and it says why" sees "no images yet"

# ---- images

wetread-dcmgen --out "$E2E_DIR/ct" --kind ct --slices 28 --accession 48000911 --pid P1 --name 'OKAFOR^MARY' --birth 19620301 --sex F >/dev/null
began=$SECONDS
holds "a stack arrives" storescu -aet CT1 -aec WETREAD +sd +r 127.0.0.1 "$DICOM_PORT" "$E2E_DIR/ct"
is_ready() { as okafor list -f acc:48000911 --json | grep -q '"state":"ready"'; }
wait_for 20 "the study is ready" is_ready && ok "the study is ready"
wait_for 60 "its picture is on the screen" share 100 || bail "a picture" "$(screen; tail -3 "$frames")"
note "from the first image to the whole picture: $((SECONDS - began)) s"
ok "its picture is on the screen that was open before, without a key"
rows=$(screen | grep -c '▀')
like "$rows" '^1[2-6]$' "in half blocks, on most of its 16 rows"
like "$(screen)" 'NOT FOR DIAGNOSIS  48000911' "it says what it is not for"
like "$(screen)" 'OKAFOR\^MARY 64F' "and whose it is"
like "$(screen)" '15/28 W80 L40 100%' "slice, window, share"

# ---- scrolling is local: the coordinator is stopped, and the slices still come

whole_series() { sees "sheet" && sees "100%"; }
press z o
wait_for 30 "the whole series is here" whole_series && ok "a sheet of the whole series"
press z a
kill -STOP "${PID[wetreadd]}"
for slice in 16 17 18; do
	press .
	wait_for 2 "slice $slice" sees "$slice/28 W80 L40 100%" && ok "slice $slice without the coordinator"
done
kill -CONT "${PID[wetreadd]}"
press W
like "$(screen)" 'W2000 L400|W2000 L500' "another window"
press q
t send-keys -t eye -l q
gone() { ! t has-session -t eye 2>/dev/null; }
wait_for 10 "the console leaves" gone && ok "the console leaves"
finish
