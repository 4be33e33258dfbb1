#!/usr/bin/env bash
# Images on a reader's machine: fetched by need, cut off in the middle, whole again, sealed, shown and exported without a link.
. "${top_srcdir:?}/tests/e2e/lib.sh"
export TCP_NODELAY=1
SYNC_PICTURES=$top_srcdir/tests/lib/pictures.py
need jq tmux storescu wetread-dicom wetread-dcmgen wetread-preview wetread-images wetread-sync /usr/bin/python3
DICOM_PORT=$(free_port)
site_new sup1 okafor
ctl user add elsewhere role=radiologist sites=HARBOR >/dev/null || bail "a reader of another site"
printf '%s\n' '[limit]' 'reserve = 0' '[complete]' 'quiet = 300ms' '[peer CT1]' 'site = STANNE' 'zone = America/Chicago' >"$SITE/dicom.ini"
coordinator_start
order() { # order ACCESSION PID NAME
	exec 8<>"/dev/tcp/127.0.0.1/$MLLP_PORT" || return
	printf '\vMSH|^~\\&|STARIS|STANNE|WETREAD|HUB|20261121120000||ORM^O01|%s|P|2.5.1\rPID|1||%s^^^STA^MR||%s||19620301|F\rPV1|1|E\rORC|NW|P%s|%s\rOBR|1|P%s|%s|CTHEAD^CT HEAD WO||||||||||||||||%s||||CT|||1^^^^^S\r\x1c\r' \
		"$1" "$2" "$3" "$1" "$1" "$1" "$1" "$1" >&8
	IFS= read -r -d $'\x1c' -t 10 -u 8 _
	exec 8>&-
}
there() { local_as sup1 show "$1" --json; }
is_in() { [ "$(there "$1" | jq -r .state)" = "$2" ]; }
study() { # study ACCESSION PID SLICES COLUMNS SYNTAX
	order "$1" "$2" "OKAFOR^M$2"
	wetread-dcmgen --out "$E2E_DIR/$1" --accession "$1" --pid "$2" --issuer STA --name "OKAFOR^M$2" --slices "$3" --columns "$4" --syntax "$5" --seed "$2" >/dev/null &&
		storescu "${@:6}" -aet CT1 -aec WETREAD 127.0.0.1 "$DICOM_PORT" "$E2E_DIR/$1"/*.dcm &&
		wait_for 20 "$1 is ready" is_in "$1" ready
}
holds "a CT comes in" study 48990001 700001 40 256 ele
holds "a smaller one" study 48990002 700002 6 128 rle -xr
sum_of() { (cd "$1" && find . -type f -name '*.dcm' -exec sha256sum {} + | cut -d' ' -f1 | sort | sha256sum); }
key_of() { printf %s "$(/usr/bin/python3 "$SYNC_PICTURES" study "$E2E_DIR/$1")" | sha256sum | cut -c1-32; }

# ---- what the coordinator hands out, and to whom

pictures() { "$SYNC_PICTURES" "$SITE/run/core.sock" "$@"; }
like "$(pictures okafor list 48990001)" '^40 [0-9]+$' "a radiologist is told which images there are"
holds "... and gets them, byte for byte as they were taken in" pictures okafor check 48990001 "$SITE/images"
like "$(pictures elsewhere list 48990001)" 'not.?found' "somebody from another site is not"
like "$(pictures sup1 fetch 48990001 ../../../../etc/passwd)" usage "a name is no way to another file"
like "$(ctl audit export --json 2>/dev/null | jq -c 'select(.set.command == "image.list") | .set.user')" '"okafor"' "that is on record"

# ---- an agent
export XDG_RUNTIME_DIR=/dev/shm/wetread-e2e-$$ # in memory, as it is on any machine people sit at
mkdir -m 700 "$XDG_RUNTIME_DIR" || bail "there is a folder in memory"
trap 'rm -rf "$XDG_RUNTIME_DIR"; e2e_clean' EXIT
export WETREAD_COORDINATOR=ssh://okafor@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/okafor
CACHE=$XDG_CACHE_HOME/wetread/sync
agent_start() {
	rm -f "$E2E_DIR/agent.log"
	start agent wetread-sync --key-file "$E2E_DIR/cache.key" run
	wait_for 15 "the agent says that it is ready" grep -q '^ready ' "$E2E_DIR/agent.log" || finish
}
status() { wetread-sync --json status; }
says() { [ "$(status | jq -r "$1")" = "$2" ]; }
becomes() { wait_for "$1" "$4" says "$2" "$3" && ok "$4"; }
pictures_of_agent() { "$SYNC_PICTURES" "$XDG_RUNTIME_DIR/wetread/sync.sock" "" "$@"; }
cat >"$E2E_DIR/viewer" <<-V
	#!/usr/bin/env bash
	if [ -e "$E2E_DIR/seen" ]; then touch "$E2E_DIR/seen2" && exec sleep 60; fi
	cd "\$1" && find . -type f -name '*.dcm' -exec sha256sum {} + | cut -d' ' -f1 | sort | sha256sum >"$E2E_DIR/seen"
V
chmod +x "$E2E_DIR/viewer"
setting() { mkdir -p "$XDG_CONFIG_HOME/wetread" && printf '[sync]\n%s\n' "$1" >"$XDG_CONFIG_HOME/wetread/config"; }

setting 'rate = 2000' # slow, so that it can be cut off
holds "the studies are taken" local_as okafor take 48990001 --until 6h
agent_start
becomes 30 '.images.bytes_ready > 0 and .images.bytes_ready < .images.bytes_wanted' true "images are on their way"
like "$(wetread-sync status)" 'images +[0-9]+ of 40 ready, [0-9.]+ of [0-9.]+ MB' "the status says how far they are"
stop agent KILL
ready=$(find "$CACHE/blob" -type f | wc -l)
agent_start
becomes 20 '.images.ready >= '$((ready - 4)) true "after kill -9 what was here is still here"
stop wetreadd KILL
becomes 30 .state offline "the coordinator is gone in the middle"
coordinator_start
becomes 60 '.images.ready == 40 and .images.wanted == 40' true "when it is back the rest comes"
becomes 60 '.images.pictures_ready > 0 and .images.pictures_ready == .images.pictures_wanted' true "small pictures are here, too"
like "$(ctl audit export --json 2>/dev/null | jq -c 'select(.set.command == "image.list" or .set.command == "image.fetch") | .set.text')" 'transfer to a cache' "the copy is on record"

# ---- the settings
stop agent
setting 'images = next'$'\n''quota = 1'
agent_start
becomes 30 '.images.kept <= 1000000' true "a small quota makes room"
like "$(status | jq -c '.images.studies[0] | [.accession, .pictures, .here > 0]')" '"48990001",true,true' "... by what is needed less: the study on a lease stays, as far as it fits"
stop agent
now=$(date +%H)
setting "images = next"$'\n'"hours = $(printf %02d $(((10#$now + 2) % 24))):00-$(printf %02d $(((10#$now + 3) % 24))):00"
agent_start
becomes 15 .images.held 'outside of the hours that are set' "outside of its hours it fetches nothing"
stop agent
setting "images = next"$'\n'"viewer = $E2E_DIR/viewer"
start bus "$SYNC_PICTURES" bus "$E2E_DIR/bus" 1
wait_for 10 "a bus says that the link is metered" test -S "$E2E_DIR/bus"
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$E2E_DIR/bus
agent_start
becomes 15 .images.held 'the link is metered' "on a metered link it fetches nothing"
stop agent
unset DBUS_SYSTEM_BUS_ADDRESS
agent_start
becomes 60 '.images.wanted == 46 and .images.ready == 46' true "else all is fetched, that which is likely next, too"
holds "it is paused" wetread-sync pause
holds "and goes on" wetread-sync resume

# ---- a thief: names, ids, accessions, UIDs, and what every DICOM file has
/usr/bin/python3 "$SYNC_PICTURES" uids "$E2E_DIR/48990001" "$E2E_DIR/48990002" >"$E2E_DIR/secrets"
printf '%s\n' OKAFOR M700001 700001 700002 48990001 48990002 STANNE 1.2.840.10008 >>"$E2E_DIR/secrets"
[ "$(wc -l <"$E2E_DIR/secrets")" -gt 40 ] || not_ok "there are UIDs to look for"
[ "$(du -sb "$CACHE/blob" | cut -f1)" -gt 5000000 ] || not_ok "there are images to look into"
if found=$(grep -raoFf "$E2E_DIR/secrets" "$CACHE" "$XDG_RUNTIME_DIR" "${TMPDIR:-/tmp}"/wetread-sync* --exclude=sync.for 2>/dev/null); then
	not_ok "the cache shows nothing of what it holds" "$(head -3 <<<"$found")"
else
	ok "the cache shows nothing of what it holds"
fi

# ---- without a link
stop wetreadd
becomes 30 .state offline "the link is cut"
like "$(wetread preview 48990001 --size 60x20 | sed -n 2p)" '^CT .*100% of 256x256 received' "a picture is shown all the same"
like "$(wetread preview 48990001 --json | jq -c '.series[0].images')" '^40$' "... and said what there is"
t() { tmux -L "wetread-$$" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; rm -rf "$XDG_RUNTIME_DIR"; e2e_clean' EXIT
t new-session -d -s eye -x 100 -y 30 "exec env -u TMUX TERM=tmux-256color sh -c 'exec \"$top_builddir/wetread\" 2>\"$E2E_DIR/eye.log\"'"
screen() { t capture-pane -p -t eye; }
sees() { screen | grep -qF -- "$1"; }
wait_for 20 "the console finds the agent" sees 48990001 || bail "a console" "$(screen)"
t send-keys -t eye Enter
wait_for 20 "the console shows a picture without a link" sees 'NOT FOR DIAGNOSIS  48990001' && ok "the console shows a picture without a link"
whole() { screen | grep -qE 'W[0-9]+ L-?[0-9]+ 100%'; }
wait_for 20 "... all of it" whole && ok "... all of it"
[ "$(screen | grep -c '▀')" -gt 8 ] && ok "... in half blocks" || not_ok "... in half blocks" "$(screen)"
t kill-server
mkdir -m 700 "$XDG_RUNTIME_DIR/out"
is "$(wetread-sync --json export 48990001 "$XDG_RUNTIME_DIR/out" | jq -c '[.images, .missing]')" '[40,0]' "the study is exported into memory"
is "$(sum_of "$XDG_RUNTIME_DIR/out")" "$(sum_of "$SITE/images/study/$(key_of 48990001)")" "... byte for byte as the coordinator has it"
holds "... with its details" test -s "$XDG_RUNTIME_DIR/out/study.json"
mkdir "$E2E_DIR/plain"
fails 2 "not onto a disk" wetread-sync export 48990001 "$E2E_DIR/plain"
like "$(pictures_of_agent export 48990001 "$E2E_DIR/plain")" usage "... nor by another way"
holds "an external viewer is started on it" wetread-sync view 48990001
is "$(cat "$E2E_DIR/seen")" "$(sum_of "$XDG_RUNTIME_DIR/out")" "... and sees its images"
is "$(find "$XDG_RUNTIME_DIR/wetread" -name 'view.*')" "" "... of which nothing is left"
start viewing wetread-sync view 48990001
wait_for 15 "a viewer is open" test -e "$E2E_DIR/seen2"
stop viewing
is "$(find "$XDG_RUNTIME_DIR/wetread" -name 'view.*')" "" "nor when it is ended in the middle"
rm -rf "$XDG_RUNTIME_DIR/out"
stop agent
agent_start
like "$(wetread preview 48990001 --size 60x20 | sed -n 2p)" '^CT .*100% of 256x256 received' "after a start without a link, too"

# ---- called back
coordinator_start
becomes 40 .state live "the link is back"

holds "the caches of a lost laptop are emptied" local_as sup1 purge okafor "laptop lost"
holds "nothing more is fetched" wetread-sync pause
wait_for 15 "the images are gone" grep -q 'wants the cache emptied' "$E2E_DIR/agent.log" && ok "the images are gone"
is "$(find "$CACHE/blob" -type f | wc -l)" 0 "... with their files"
like "$(wetread preview 48990001 --size 60x20 | sed -n 2p)" '^CT .*100% of 256x256 received' "with a link pictures that are not here come through the agent"
is "$(find "$CACHE/blob" -type f | wc -l)" 0 "... and are not kept"
finish
