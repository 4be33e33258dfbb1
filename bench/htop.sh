#!/usr/bin/env bash
# htop.sh - an idle console beside an idle htop, both over plain ssh to a real sshd
. "${top_srcdir:?}/bench/lib.sh"
sshd=$(command -v sshd || echo /usr/sbin/sshd)
need jq wetread /usr/bin/python3 "$sshd" ssh ssh-keygen ss
command -v htop >/dev/null || {
	cannot "idle bytes beside htop's" "there is no htop (contrib/deps.sh bench)"
	finish
}
site_new sup1
coordinator_start
demo night >"$E2E_DIR/night.log" || bail "the night is accepted" "$(tail -3 "$E2E_DIR/night.log")"

port=$(free_port)
for key in host me; do ssh-keygen -q -t ed25519 -N '' -f "$E2E_DIR/$key" || bail "keys"; done
cat >"$E2E_DIR/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $E2E_DIR/host
AuthorizedKeysFile $E2E_DIR/me.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
END
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
start sshd "$sshd" -D -e -f "$E2E_DIR/sshd_config"
wait_for 10 "sshd listens" grep -q 'Server listening' "$E2E_DIR/sshd.log" || finish

# over SIZE READY PROGRAM: thirty idle seconds of it over the wire
over() {
	"$top_srcdir/tools/ptycount.py" --size "$1" --ready "$2" --idle 30 --link "$port" -- ssh -tt -q -F none -p "$port" -i "$E2E_DIR/me" \
		-o IdentitiesOnly=yes -o IdentityAgent=none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null 127.0.0.1 "$3"
}
rate() { jq ".idle.$1 / .idle.seconds * 10 | round / 10" <<<"$2"; }
# A process table of its own, as htop would meet it on a small server: 60 that sleep, 8 that work now and then.
# shellcheck disable=SC2016 # expanded there
table='for i in $(seq 60); do sleep 999 & done; for i in $(seq 8); do (while :; do j=0; while [ $j -lt 4000 ]; do j=$((j + 1)); done; sleep 0.$((i % 9 + 1)); done) & done; TERM=xterm-256color exec htop'
quoted=$(printf %q "$table")
console="PATH=$PATH HOME=$HOME WETREAD_TOUR=no TERM=xterm-256color LC_ALL=C.UTF-8 WETREAD_KNOWN_HOSTS=$SITE/known_hosts WETREAD_COORDINATOR=unix:$SITE/run/core.sock wetread --as sup1"
for size in 80x24 160x48; do
	theirs=$(over $size Swp "exec unshare --pid --fork --mount-proc sh -c $quoted") || {
		cannot "$size: idle bytes beside htop's" "htop does not start in a process table of its own: $theirs"
		continue
	}
	ours=$(over $size STANNE "exec env $console") || bail "the console starts over ssh at $size" "$ours"
	a=$(rate ip_bytes "$ours") b=$(rate ip_bytes "$theirs")
	row "$size: htop, idle: IP bytes down" "$b" B/s
	row "  written to the terminal" "$(rate bytes "$theirs")" B/s
	row "$size: wetread, idle, urgent rows ticking: IP bytes down" "$a" B/s
	row "  written to the terminal" "$(rate bytes "$ours")" B/s
	row "  part of htop's IP bytes" "$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.3f", a / b }')" "" '<=' 0.25
	row "  part of htop's terminal bytes" "$(awk -v a="$(rate bytes "$ours")" -v b="$(rate bytes "$theirs")" 'BEGIN { printf "%.3f", a / b }')" "" '<=' 0.25
done
finish
