#!/usr/bin/env bash
# The agent between console and coordinator: link up, cut, kill -9 at either end, and back.
. "${top_srcdir:?}/tests/e2e/lib.sh"
need jq wetread-demo wetread-sync
site_new sup1 okafor mehta adm
coordinator_start
demo night >/dev/null || bail "the night goes in"
demo load --ready --count 30 >/dev/null || bail "orders that are ready"

export XDG_RUNTIME_DIR=$E2E_DIR/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
export WETREAD_COORDINATOR=ssh://okafor@127.0.0.1:$SSH_PORT WETREAD_IDENTITY=$KEYS/okafor
CACHE=$XDG_CACHE_HOME/wetread/sync SOCK=$XDG_RUNTIME_DIR/wetread/sync.sock

agent_start() {
	rm -f "$E2E_DIR/agent.log"
	start agent wetread-sync --key-file "$E2E_DIR/cache.key" run
	wait_for 15 "the agent says that it is ready" grep -q '^ready ' "$E2E_DIR/agent.log" || finish
}
status() { wetread-sync --json status; }
says() { [ "$(status | jq -r "$1")" = "$2" ]; } # says JQ-EXPRESSION VALUE
becomes() { wait_for "$1" "$4" says "$2" "$3" && ok "$4"; }
there() { local_as sup1 show "$1" --json; }       # as the coordinator has it
direct() { local_as okafor "$@"; }

# ---- up
agent_start
becomes 20 .state live "the agent is live"
is "$(stat -c %a "$SOCK")" 600 "only its user can open the socket"
is "$(wetread list --json | jq length)" "$(direct list --json | jq length)" "the one-shots find it by themselves and show the same queue"
like "$(wetread ping --json 2>&1)" rtt_ms "a ping goes through it"
is "$(wetread list 2>&1 >/dev/null)" "" "a list says nothing of its age while the link is up"
holds "four studies are taken for six hours" wetread take 4 --until 6h
mapfile -t mine < <(wetread list --filter 'reader:okafor' --json | jq -r '.[].accession')
is "${#mine[@]}" 4 "they are mine"
becomes 30 '.details.wanted > 4 and .details.wanted == .details.ready' true "the details of these and of those likely next are fetched"
like "$(ctl audit export --json 2>/dev/null | grep -c 'transfer to a cache')" '^[1-9]' "... and that is on record"
other=$(direct list --json | jq -r '.[] | select(.state == "ready" and .reader == null and .hold == null) | .accession' | tail -1)

# ---- down
stop wetreadd KILL
becomes 40 .state offline "the coordinator was killed: the agent is offline"
is "$(wetread list --filter 'reader:okafor' --json | jq length)" 4 "the queue is still there"
for words in list readers "show ${mine[0]}"; do
	# shellcheck disable=SC2086 # words
	like "$(wetread $words 2>&1 >/dev/null)" 'there is no link; this is as of [0-9:]{8} \([0-9]+ (s|min) old\)' "$words says how old it is"
done
is "$(wetread list --json 2>&1 >/dev/null | jq -r .warning.name)" offline "... in JSON, too"
fails 3 "a ping does not answer for the coordinator" wetread ping
holds "a study that was taken can be looked at" wetread show "${mine[0]}"
like "$(wetread note "${mine[0]}" "note without a link" --json)" '"pending":true' "a note on it is kept"
like "$(wetread finish "${mine[0]}" --as final "read without a link" 2>&1)" 'kept; it goes out when the link is back' "so is its report"
is "$(wetread show "${mine[0]}" --json | jq -r .state)" final "... which is shown as it will be"
is "$(wetread show "${mine[0]}" --json | jq -r '[.thread[] | select(.kind == "pending")] | length')" 2 "... with the words that wait"
fails 3 "what was not taken is refused" wetread claim "$other"
like "$(wetread finish "$other" "words for another" 2>&1)" 'not one that you took.*your words are kept' "... with the reason, and words are not lost"
is "$(wetread note "$other" "words for another" 2>&1 | grep -c 'words for another')" 0 "... nor said to be"
wetread-sync settle "$(status | jq -r '.refused[-1].seq')" discard
is "$(status | jq '.waiting | length')" 2 "two wait for the link"
is "$(status | jq -r '.refused[0].words')" "words for another" "one was refused"
like "$(wetread downtime --print | head -1)" 'STALE' "the downtime list says how old it is"
like "$(wetread downtime --print)" "${mine[2]}" "... and what there is to read"

# ---- the agent is killed, too
stop agent KILL
agent_start
is "$(wetread list --filter 'reader:okafor' --json | jq length)" 3 "after kill -9 the queue and what was promised are there"
is "$(status | jq '.waiting | length')" 2 "... and wait"
holds "a second study is finished meanwhile" wetread finish "${mine[1]}" --as final "mine, or so I think"

# ---- a thief
wetread list --json | jq -r '.[] | .accession, .patient_name, .patient_id' | grep -vx null | sort -u >"$E2E_DIR/secrets"
echo "read without a link" >>"$E2E_DIR/secrets"
echo okafor >>"$E2E_DIR/secrets"
[ "$(wc -l <"$E2E_DIR/secrets")" -gt 20 ] || not_ok "there are names to look for"
if found=$(grep -raoFf "$E2E_DIR/secrets" "$CACHE" "$XDG_RUNTIME_DIR" --exclude=sync.for); then
	not_ok "the cache shows nothing of what it holds" "$(head -3 <<<"$found")"
else
	ok "the cache shows nothing of what it holds"
fi

# ---- back, but a supervisor was faster
kill -s STOP "${PID[agent]}"
coordinator_start
holds "a supervisor takes the second study away" local_as sup1 takeover "${mine[1]}" mehta --reason "where is okafor"
kill -s CONT "${PID[agent]}"
becomes 40 '.state == "live" and (.waiting | length) == 0' true "the agent is back and has sent what waited"
is "$(there "${mine[0]}" | jq -r .state)" final "the report is there"
is "$(there "${mine[0]}" | jq '[.reports[] | select(.text == "read without a link")] | length')" 1 "... once"
is "$(there "${mine[0]}" | jq '[.thread[] | select(.text == "note without a link")] | length')" 1 "... and the note, once"
is "$(there "${mine[1]}" | jq -r .state)" assigned "the study that was taken away was not overwritten"
like "$(there "${mine[1]}" | jq -r '.thread[] | select(.kind == "late") | .text')" 'mine, or so I think' "... the words came as a late entry"
refused=$(status | jq -r '.refused[] | select(.words == "mine, or so I think") | .seq')
like "$refused" '^[0-9]+$' "... and the agent shows that it was refused"
holds "it is settled as a second opinion" wetread-sync settle "$refused" second
for seq in $(status | jq -r '.refused[].seq'); do wetread-sync settle "$seq" discard; done
becomes 10 '(.waiting | length) + (.refused | length)' 0 "nothing is left over"
like "$(there "${mine[1]}" | jq -r '.thread[] | select(.kind == "second") | .text')" 'not signed: mine' "the second opinion is a note"
is "$(wetread list --json | jq -S 'map({accession,state,reader}) | sort_by(.accession)' | sha256sum)" \
	"$(direct list --json | jq -S 'map({accession,state,reader}) | sort_by(.accession)' | sha256sum)" "agent and coordinator show the same again"
holds "the journal proves itself" ctl journal verify

# ---- plain files
if [ -d /dev/shm ]; then
	folder=/dev/shm/wetread-e2e-$$
	becomes 30 '.details.wanted == .details.ready' true "details are at hand"
	holds "a study is exported into memory" wetread-sync export "${mine[2]}" "$folder"
	holds "... as files" test -s "$folder/study.json"
	rm -rf "$folder"
	fails 2 "not onto a disk" wetread-sync export "${mine[2]}" "$E2E_DIR/plain"
fi

# ---- called back
holds "a supervisor has the caches of a lost laptop emptied" local_as sup1 purge okafor "laptop lost"
wait_for 10 "the agent empties its cache" grep -q 'wants the cache emptied' "$E2E_DIR/agent.log" && ok "the agent empties its cache"
holds "the key is removed" ctl key remove "$(ssh-keygen -lf "$KEYS/okafor.pub" | cut -d' ' -f2)"
becomes 60 .studies 0 "without a key nothing stays"
fails 3 "no list is not an empty list" wetread list
like "$(wetread downtime 2>&1)" 'no list in the cache: ' "... nor one for paper"
fails 3 "... which is an error" wetread downtime

# ---- a passphrase
stop agent
export XDG_CACHE_HOME=$E2E_DIR/second
rm -f "$E2E_DIR/agent.log"
start agent wetread-sync run
wait_for 15 "the agent waits for its passphrase" grep -q 'ready .* locked' "$E2E_DIR/agent.log"
fails 4 "a locked agent says so" wetread list
holds "the first passphrase is set" wetread-sync unlock <<<"correct horse"
holds "it locks" wetread-sync lock
fails 4 "a wrong passphrase does not open it" wetread-sync unlock <<<"battery staple"
holds "the right one does" wetread-sync unlock <<<"correct horse"
finish
