#!/usr/bin/env bash
# transfer.sh - a study's images to an agent, to scp and to rsync, on one shaped link in one run; and the queue beside them
. "${top_srcdir:?}/bench/lib.sh"
sshd=$(command -v sshd || echo /usr/sbin/sshd)
need jq nsenter wetread wetread-sync storescu scp rsync "$sshd"
client=$top_builddir/bench/client shape=$top_builddir/tools/netshape
RATE=${RATE:-256} RTT=${RTT:-600} SLICES=${SLICES:-10}

# Run by netshape, with a link of the wished kind in place. Results go to 9, a line each.
on_client() {
	# shellcheck disable=SC2086
	$NETSHAPE_C "$@"
}
far_listens() { on_client bash -c "exec 3<>/dev/tcp/$NETSHAPE_ADDR/$1"; }
clock() { date +%s%3N; }
inside() {
	exec 9>&1 >&2
	E2E_PASSED=1
	SITE=$BENCH_SITE KEYS=$SITE/keys SSH_PORT=$BENCH_PORT
	cp -a "$BENCH_TEMPLATE" "$SITE"
	sed -i "s/^listen *= *127.0.0.1:$SSH_PORT/listen = $NETSHAPE_ADDR:$SSH_PORT/; s/^listen *= *127.0.0.1:.*/listen = off/" "$SITE/wetreadd.conf"
	know_host "$SITE" "$NETSHAPE_ADDR" "$SSH_PORT"
}
peers() { # the same files by sshd: prints ms of scp -C, of rsync -z
	local began
	ssh-keygen -q -t ed25519 -N '' -f "$E2E_DIR/host"
	ssh-keygen -q -t ed25519 -N '' -f "$E2E_DIR/me"
	printf '%s\n' Port\ 2222 "ListenAddress $NETSHAPE_ADDR" "HostKey $E2E_DIR/host" "AuthorizedKeysFile $E2E_DIR/me.pub" \
		'StrictModes no' 'UsePAM no' 'PidFile none' 'Subsystem sftp internal-sftp' >"$E2E_DIR/sshd_config"
	[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
	# shellcheck disable=SC2086 # commands and their options; a function would be a shell between
	start sshd $NETSHAPE_S "$sshd" -D -e -f "$E2E_DIR/sshd_config"
	wait_for 20 "sshd listens" far_listens 2222 || finish
	local ssh=(-q -i "$E2E_DIR/me" -o "UserKnownHostsFile=$E2E_DIR/known" -o StrictHostKeyChecking=accept-new -o IdentitiesOnly=yes)
	local from
	from=$(id -un)@$NETSHAPE_ADDR:$BENCH_FILES
	began=$(clock)
	on_client scp -C -r "${ssh[@]}" -P 2222 "$from" "$E2E_DIR/by-scp" || bail "scp"
	echo "scp $(($(clock) - began))" >&9
	began=$(clock)
	on_client rsync -rz -e "ssh ${ssh[*]} -p 2222" "$from" "$E2E_DIR/by-rsync" || bail "rsync"
	echo "rsync $(($(clock) - began))" >&9
	stop sshd
}
events() { "$top_srcdir/bench/rpc.py" "$SITE/run/core.sock" "$@" || bail "the supervisor's commands are done"; }
tell() {
	echo "$1" >&7
	IFS= read -r -t 120 HEARD <&8 || bail "an answer from the bench's client" "$(cat "$E2E_DIR/client.log")"
}
ready() { [ "$(wetread-sync --json status | jq '.images.ready')" = "$SLICES" ]; }
agent() { # a study is leased, and its images come to an agent that was live: prints ms; and how long events took, before and meanwhile
	local began
	# shellcheck disable=SC2086
	start wetreadd $NETSHAPE_S wetreadd --dir "$SITE"
	wait_for 20 "wetreadd listens in its namespace" far_listens "$SSH_PORT" || finish
	export XDG_RUNTIME_DIR=$E2E_DIR/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	mkdir -p "$XDG_CONFIG_HOME/wetread"
	printf '[sync]\nahead = 0\n' >"$XDG_CONFIG_HOME/wetread/config"
	mkfifo "$E2E_DIR/say" "$E2E_DIR/hear"
	# shellcheck disable=SC2086
	$NETSHAPE_C "$client" --target "ssh://sup1@$NETSHAPE_ADDR:$SSH_PORT" --identity "$KEYS/sup1" --known-hosts "$SITE/known_hosts" \
		<"$E2E_DIR/say" >"$E2E_DIR/hear" 2>"$E2E_DIR/client.log" &
	PID[client]=$!
	disown
	exec 7>"$E2E_DIR/say" 8<"$E2E_DIR/hear"
	IFS= read -r -t 60 HEARD <&8 || bail "the console is live"
	# shellcheck disable=SC2086
	start agent $NETSHAPE_C env WETREAD_IDENTITY="$KEYS/okafor" WETREAD_KNOWN_HOSTS="$SITE/known_hosts" \
		"$top_builddir/wetread-sync" -c "ssh://okafor@$NETSHAPE_ADDR:$SSH_PORT" --key-file "$E2E_DIR/cache.key" run
	wait_for 60 "the agent is live" grep -q 'live after' "$E2E_DIR/agent.log" || return 1
	tell mark
	events 30 0.7 2
	sleep 2 # the last is on its way
	tell mark
	echo "idle $(jq -r '"\(.p50) \(.p95) \(.events)"' <<<"$HEARD")" >&9
	began=$(clock)
	wetread --coordinator "unix:$SITE/run/core.sock" --as okafor take 48990001 --until 6h >/dev/null || bail "the study is leased"
	start events "$top_srcdir/bench/rpc.py" "$SITE/run/core.sock" 1000 1.3 2
	wait_for 600 "all images are here" ready || return 1
	echo "agent $(($(clock) - began))" >&9
	stop events
	tell mark
	echo "beside $(jq -r '"\(.p50) \(.p95) \(.events)"' <<<"$HEARD")" >&9
	exec 7>&- 8<&-
	stop client
	wetread-sync --json status | jq -r '"coded \(.images.fetched)"' >&9
}
if [ "${1:-}" = inside ]; then
	inside
	peers
	agent
	exit
fi

if ! "$shape" --rtt 1 -- true 2>"$E2E_DIR/shape.log"; then
	cannot "images on a shaped link" "$(tail -1 "$E2E_DIR/shape.log")"
	exit 0
fi
DICOM_PORT=$(free_port)
site_new sup1 okafor
printf '%s\n' '[limit]' 'reserve = 0' '[complete]' 'quiet = 300ms' '[peer CT1]' 'site = STANNE' >"$SITE/dicom.ini"
coordinator_start
demo load --ready --count 60 >"$E2E_DIR/load.log" || bail "orders that are ready"
exec 8<>"/dev/tcp/127.0.0.1/$MLLP_PORT"
printf '\vMSH|^~\\&|STARIS|STANNE|WETREAD|HUB|20261121120000||ORM^O01|b1|P|2.5.1\rPID|1||700001^^^STA^MR||OKAFOR^MARY||19620301|F\rPV1|1|E\rORC|NW|P1|48990001\rOBR|1|P1|48990001|CTHEAD^CT HEAD WO||||||||||||||||48990001||||CT|||1^^^^^S\r\x1c\r' >&8
IFS= read -r -d $'\x1c' -t 10 -u 8 _
exec 8>&-
files=${BENCH_IMAGES:-$E2E_DIR/ct}
[ -n "${BENCH_IMAGES:-}" ] || wetread-dcmgen --out "$files" --accession 48990001 --pid 700001 --issuer STA --name OKAFOR^MARY --slices "$SLICES" --columns 512 >/dev/null
[ -z "${BENCH_IMAGES:-}" ] || SLICES=$(find "$files" -name '*.dcm' | wc -l)
export SLICES
TCP_NODELAY=1 storescu -aet CT1 -aec WETREAD 127.0.0.1 "$DICOM_PORT" "$files"/*.dcm || bail "the images are taken in"
in_store() { [ "$(find "$SITE/images/study" -name '*.dcm' | wc -l)" = "$SLICES" ]; }
wait_for 20 "they are stored" in_store || finish
is_ready() { [ "$(local_as sup1 show 48990001 --json | jq -r .state)" = ready ]; }
wait_for 20 "the study is ready" is_ready || finish
stop wetreadd
rm -rf "$SITE/images/preview"/* # the images alone
export BENCH_TEMPLATE=$SITE BENCH_PORT=$SSH_PORT BENCH_FILES=$SITE/images/study
bytes=$(find "$BENCH_FILES" -name '*.dcm' -printf '%s\n' | awk '{ n += $1 } END { print n }')
out=$(BENCH_SITE=$E2E_DIR/site-inside "$shape" --rtt "$RTT" --rate "$RATE" -- "$0" inside 2>"$E2E_DIR/inside.log") ||
	bail "the transfers" "$(tail -5 "$E2E_DIR/inside.log")"
of() { awk -v w="$1" -v n="${2:-2}" '$1 == w { print $n }' <<<"$out"; }
goodput() { awk -v b="$bytes" -v t="$(of "$1")" 'BEGIN { printf "%.0f", b * 8 / t }'; }
row "$SLICES images, $bytes bytes, at $RATE kbit/s and $RTT ms: scp -C" "$(goodput scp)" kbit/s
row "  rsync -z" "$(goodput rsync)" kbit/s
best=$(printf '%s\n' "$(goodput scp)" "$(goodput rsync)" | sort -n | tail -1)
row "  the agent, from being leased to the last of them" "$(goodput agent)" kbit/s '>=' "$best"
row "    bytes it received for them" "$(of coded)" B
row "  an event of the queue, idle: median / p95" "$(of idle) / $(of idle 3)" ms
row "    beside the transfer, $(of beside 4) events: median / p95" "$(of beside) / $(of beside 3)" ms
row "    median, times idle" "$(awk -v a="$(of beside)" -v b="$(of idle)" 'BEGIN { printf "%.2f", a / b }')" x '<=' 2
row "    p95, times idle p95" "$(awk -v a="$(of beside 3)" -v b="$(of idle 3)" 'BEGIN { printf "%.2f", a / b }')" x '<=' 2
