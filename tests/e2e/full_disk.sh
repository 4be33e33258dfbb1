#!/usr/bin/env bash
# full_disk.sh - the coordinator's disk fills up: everybody is told at once, and it goes on within a second of room.
# The disk is a small tmpfs in a mount namespace of the test's own.
if [ -z "${WETREAD_TEST_NAMESPACE:-}" ]; then
	user=-r
	[ "$(id -u)" -ne 0 ] || user=
	WETREAD_TEST_NAMESPACE=1 exec unshare $user -m -- "$0"
fi
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need tmux unshare mount
mkdir "$SITE"
mount -t tmpfs -o size=6m,mode=0700 tmpfs "$SITE" || bail "a small disk can be mounted"
site_new sup1 okafor
coordinator_start
export WETREAD_COORDINATOR=unix:$SITE/run/core.sock

ORDERS=0
order() { # order ACCESSION: sets ACK
	ORDERS=$((ORDERS + 1))
	exec 3<>"/dev/tcp/127.0.0.1/$MLLP_PORT" || bail "MLLP listens"
	printf "\x0bMSH|^~\\\\&|RIS|STANNE|RQ|TELERAD|20261121120000||ORM^O01|F%s|P|2.5.1\rPID|1||P%s^^^STANNE^MR||DOE^JANE||19620301|F\rORC|NW|PL%s|%s\rOBR|1|PL%s|%s|CTH^CT HEAD^L||||||||||||||||||||CT\r\x1c\r" \
		"$ORDERS" "$1" "$1" "$1" "$1" "$1" >&3
	IFS= read -r -d $'\x1c' -t 5 -u 3 ACK || ACK=none
	exec 3>&-
}
fill() { dd if=/dev/zero of="$SITE/filler" bs=4096 >/dev/null 2>&1; }
now_ms() { date +%s%3N; }
run() { # run COMMAND...: $CODE and $OUT are how it ended, $TOOK how long that took
	local from
	from=$(now_ms)
	OUT=$("$@" 2>&1)
	CODE=$?
	TOOK=$(($(now_ms) - from))
}

T() { tmux -L "wetread-full-$$" -f /dev/null "$@"; }
trap 'T kill-server 2>/dev/null; stop wetreadd; umount "$SITE"; e2e_clean' EXIT
sees() { T capture-pane -p -t console | grep -qF -- "$1"; }

order 48000001
like "$ACK" 'MSA\|AA\|' "there is room: an order is taken"
fill
for word in "list" "list --json"; do
	# shellcheck disable=SC2086 # words
	run wetread --as sup1 $word
	holds "wetread $word is answered at once ($TOOK ms)" test "$TOOK" -le 3000
	is "$CODE" 1 "  refused, which is no time limit"
	like "$OUT" "disk is full.*nothing is shown" "  and says why"
done
run wetread --as sup1 show 48000001
holds "so is wetread show ($TOOK ms)" test "$TOOK" -le 3000
like "$CODE $OUT" "^1 .*disk is full" "  refused with the reason"
order 48000002
like "$ACK" 'MSA\|AE\|.*disk is full' "an order is answered with AE and the reason"

T new-session -d -s console -x 100 -y 30 "exec env -u TMUX LC_ALL=C.UTF-8 '$top_builddir/wetread' --as sup1 2>'$E2E_DIR/console.log'"
holds "a console that comes now says that the disk is full" wait_for 10 "" sees "disk is full"
holds "  and that nothing is shown" sees "nothing is shown"
holds "  in the title, too" sees "NO DATA"

rm "$SITE/filler"
from=$(now_ms) accepted=
until [ $(($(now_ms) - from)) -gt 5000 ]; do
	order 48000003
	[[ $ACK == *MSA\|AA\|* ]] && accepted=$(($(now_ms) - from)) && break
done
holds "orders are taken within a second of room (${accepted:-never} ms)" test "${accepted:-9999}" -le 1000
holds "the console loads by itself" wait_for 3 "" sees 48000003
sees "disk is full" && not_ok "  and speaks of the disk no more" || ok "  and speaks of the disk no more"
holds "and list lists" wetread --as sup1 list
is "$(grep -c 'the disk is full: make room' "$E2E_DIR/wetreadd.log")" 1 "the log has it once"
stop wetreadd
holds "the record is whole" ctl journal verify
finish
