#!/usr/bin/env bash
# The agent away from home: what is given out and taken back, what was read on paper, and each way in which a cache is emptied.
# shellcheck disable=SC2016,SC2317 # scripts in text; functions that wait_for runs
. "${top_srcdir:?}/tests/e2e/lib.sh"
need jq wetread wetread-sync wetread-demo ssh-agent ssh-add
site_new sup1 okafor adm
coordinator_start
demo load --ready --count 26 >/dev/null || bail "orders that are ready"

export XDG_RUNTIME_DIR=$E2E_DIR/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
mkdir -p "$XDG_CONFIG_HOME/wetread"
mkdir -m 700 "$HOME/.ssh"
cp "$KEYS/okafor" "$HOME/.ssh/id_ed25519" # found by itself: nothing names it
export WETREAD_COORDINATOR=ssh://okafor@127.0.0.1:$SSH_PORT
unset WETREAD_IDENTITY
agent_start() {
	start agent wetread-sync --key-file "$E2E_DIR/cache.key" run
	wait_for 15 "the agent says that it is ready" grep -q '^ready ' "$E2E_DIR/agent.log" || finish
}
status() { wetread-sync --json status; }
says() { [ "$(status | jq -r "$1")" = "$2" ]; }
becomes() { wait_for "$1" "$4" says "$2" "$3" && ok "$4"; }
there() { local_as sup1 show "$1" --json; }
print_of() { ssh-keygen -lf "$KEYS/okafor.pub" | cut -d' ' -f2; }
agent_start
becomes 20 .state live "the agent is live by a key that it found"
mapfile -t acc < <(wetread list --filter 'site:STANNE state:ready' --json | jq -r 'map(select(.hold == null and .reader == null))[:2][].accession')
[ "${#acc[@]}" = 2 ] || bail "two studies"
for a in "${acc[@]}"; do holds "a study is taken for the night" wetread take "$a" --until 6h; done
becomes 30 '.details.ready > 2 and .details.wanted == .details.ready' true "details are at hand"

# ---- every command in JSON

for words in status pause resume "pin ${acc[0]}" "unpin ${acc[0]}"; do
	# shellcheck disable=SC2086 # words
	holds "wetread-sync --json $words" eval "wetread-sync --json $words | jq -e 'type == \"object\"'"
done
like "$(wetread-sync --json settle 99 discard 2>&1)" '^\{"error":"notfound",' "errors, too"

# ---- a viewer gets plain files, in memory, for as long as it runs

cat >"$E2E_DIR/viewer" <<'VIEWER'
#!/bin/sh
# viewer NOTE FOLDER
stat -f -c %T "$2" >"$1"; stat -c %a "$2" >>"$1"; ls "$2" >>"$1"; echo "$2" >"$1.where"
[ ! -e "$1.stay" ] || while :; do sleep 1; done
VIEWER
chmod +x "$E2E_DIR/viewer"
printf '%s\n' '[sync]' "viewer = $E2E_DIR/viewer $E2E_DIR/seen" >"$XDG_CONFIG_HOME/wetread/config"
holds "a study is viewed" wetread-sync view "${acc[0]}"
like "$(cat "$E2E_DIR/seen")" $'^(tmpfs|ramfs)\n700\n.*study.json' "the viewer, a command with words of its own, had files in memory that nobody else may read"
where=$(cat "$E2E_DIR/seen.where")
is "$(ls -d "$where" 2>/dev/null)" "" "... which are gone"
: >"$E2E_DIR/seen.stay"
rm "$E2E_DIR/seen.where"
start view wetread-sync view "${acc[0]}"
wait_for 10 "a viewer stays open" test -s "$E2E_DIR/seen.where"
where=$(cat "$E2E_DIR/seen.where")
stop view
holds "whoever ends it ends the viewer, and the files are gone all the same" test ! -e "$where"
wait_for 10 "each is on record" eval 'ctl audit export --json 2>/dev/null | grep -c export | grep -q "^[2-9]"' && ok "each is on record"

# ---- the server is down: from paper, later

stop wetreadd KILL
becomes 40 .state offline "the coordinator is gone"
like "$(wetread downtime | head -1)" STALE "a list for paper"
like "$(wetread downtime --print)" "${acc[1]}" "... with what there is to read"
coordinator_start
becomes 60 '.state' live "the coordinator is back"
when=$(date -u -d '-5 minutes' +%Y-%m-%dT%H:%M:%SZ)
holds "a note from paper is entered late" wetread note "${acc[0]}" "seen on paper" --at "$when"
made() { there "${acc[0]}" | jq -r ".thread[] | select(.text == \"$1\") | .made"; }
like "$(made "seen on paper")" '^20' "it is marked a late entry, with the time it was made"
like "$(there "${acc[0]}" | jq -r '.thread[] | select(.text == "seen on paper") | .made < .at')" true "... which is before the time it came"
fails 2 "not from the future" wetread note "${acc[0]}" "later" --at 2099-01-01T00:00:00Z

# ---- where data may be

holds "St Anne's data stay in the EU" ctl site set STANNE residency=EU
becomes 10 '.studies > 0' true "of whom it is not said where they are, nothing changes"
holds "okafor travels" ctl user set okafor location=US
gone_here() { [ "$(wetread list --filter site:STANNE --json | jq length)" = 0 ]; }
wait_for 20 "the site is not shown there" gone_here && ok "the site is not shown there"
fails 1 "... nor asked for by name" wetread show "${acc[0]}"
fails 1 "... nor exported from the cache" wetread-sync export "${acc[0]}" /dev/shm/wetread-e2e-none
like "$(local_as sup1 assign "${acc[1]}" okafor --force 2>&1; there "${acc[1]}" | jq -r .reader)" 'stay in EU|okafor' "a supervisor is told"
holds "okafor is back" ctl user set okafor location=EU
back_here() { [ "$(wetread list --filter site:STANNE --json | jq length)" -gt 0 ]; }
wait_for 20 "the site is there again" back_here && ok "the site is there again"

# ---- called back, a key removed, and no contact

becomes 30 '.details.ready > 2' true "the cache is full"
holds "a lost laptop" local_as sup1 purge okafor "laptop lost"
wait_for 10 "purge empties the cache" grep -q 'wants the cache emptied' "$E2E_DIR/agent.log" && ok "purge empties the cache"
holds "the key is removed" ctl key remove "$(print_of)"
becomes 60 .studies 0 "a removed key that nobody named empties the cache"
is "$(grep -c 'the cache is emptied' "$E2E_DIR/agent.log")" 1 "... once"
stop agent
holds "the key is added again" ctl key add okafor "$KEYS/okafor.pub"
start keys ssh-agent -D -a "$E2E_DIR/keys.sock"
wait_for 10 "ssh-agent" test -S "$E2E_DIR/keys.sock"
export SSH_AUTH_SOCK=$E2E_DIR/keys.sock
ssh-add -q "$KEYS/okafor" && rm "$HOME/.ssh/id_ed25519"
agent_start
becomes 20 .state live "with the key in ssh-agent"
holds "that key is removed, too" ctl key remove "$(print_of)"
becomes 60 .studies 0 "a removed key of ssh-agent empties the cache"
stop agent
ctl key add okafor "$KEYS/okafor.pub" >/dev/null
agent_start
becomes 20 .state live "back once more"
ssh-add -qD
stop wetreadd
coordinator_start
like "$(wait_for 40 "offline" says .state offline; status | jq '.studies > 0')" true "an ssh-agent without its keys empties nothing"
finish
