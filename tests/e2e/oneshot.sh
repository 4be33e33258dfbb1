#!/usr/bin/env bash
# oneshot.sh - every one-shot command against a real coordinator: over SSH through the gate, and over the local socket.
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"
need ssh-keygen jq wetread wetreadd wetreadctl setsid
export WETREAD_LIBEXECDIR=$top_builddir
CTL=(wetreadctl -d "$SITE")
KNOWN=$E2E_DIR/known_hosts
touch "$KNOWN"

# ---- a site with people, keys and orders that came by HL7

holds "a site directory is made" "${CTL[@]}" init --ssh 127.0.0.1:0 --hl7 127.0.0.1:0 --admin boss
mkdir -p "$KEYS"
"${CTL[@]}" site add STANNE name="St Anne" zone=America/Chicago jurisdiction=TX >/dev/null
"${CTL[@]}" site add MESA name=Mesa zone=America/Denver jurisdiction=NM >/dev/null
person() { # person LOGIN ROLE [KEY=VALUE...]
	local login=$1 role=$2
	shift 2
	"${CTL[@]}" user add "$login" name="$login" role="$role" "$@" >/dev/null || bail "user add $login"
	ssh-keygen -q -t ed25519 -N '' -f "$KEYS/$login" && "${CTL[@]}" key add "$login" "$KEYS/$login.pub" >/dev/null || bail "key add $login"
}
person okafor radiologist duty=on modalities='*' licences='TX:2099-12-31 NM:2099-12-31'
person lind radiologist duty=on modalities=CT licences=TX:2001-01-01
person kim coordinator
person mesan coordinator sites=MESA
person sup1 supervisor

coordinator() { # starts it; sets SSH_PORT, MLLP_PORT, SOCK
	start wetreadd wetreadd -d "$SITE"
	wait_for 10 "the coordinator is ready" grep -q '^ready ' "$E2E_DIR/wetreadd.log" || finish
	local ready
	ready=$(grep '^ready ' "$E2E_DIR/wetreadd.log")
	SSH_PORT=$(sed 's/.*ssh=[^ ]*:\([0-9]*\) .*/\1/' <<<"$ready") MLLP_PORT=$(sed 's/.*hl7=[^ ]*:\([0-9]*\) .*/\1/' <<<"$ready")
	SOCK=$(sed 's/.*socket=//' <<<"$ready")
}
coordinator

order() { # order SITE ACCESSION NAME [MODALITY]
	printf '\x0bMSH|^~\\&|RIS|%s|RQ|TELERAD|20261121120000||ORM^O01|%s|P|2.5.1\rPID|1||P%s^^^%s^MR||%s||19620301|F\rPV1|1|E\rORC|NW|PL%s|%s\rOBR|1|PL%s|%s|CTH^HEAD W/O^L||||||||||||||||||||%s|||^^^^^S\r\x1c\r' \
		"$1" "M$RANDOM$RANDOM" "$2" "$1" "$3" "$2" "$2" "$2" "$2" "${4:-CT}" >&3
	IFS= read -r -d $'\x1c' -t 5 -u 3 ACK || bail "no acknowledgement for order $2"
	[[ $ACK == *MSA\|AA\|* ]] || bail "order $2 was not accepted" "$ACK"
}
marks=$(printf '\xcc\x81%.0s' {1..300})
exec 3<>"/dev/tcp/127.0.0.1/$MLLP_PORT" || bail "MLLP"
for n in 1 2 3 4 5 6 7 8 9; do order STANNE "4800000$n" "DOE^JANE$n"; done
order STANNE 777 TWICE^ANNE
order MESA 777 TWICE^MESA
order STANNE 48000666 $'EVIL\e[2J\e]0;owned\a^\xe2\x80\xaeGNP'"e$marks" MR
exec 3>&-

# ---- how it is called

u() { # u LOGIN WORDS...: over the local socket
	local login=$1
	shift
	wetread -c "unix:$SOCK" --as "$login" "$@"
}
s() { # s LOGIN WORDS...: over SSH
	local login=$1
	shift
	WETREAD_IDENTITY=$KEYS/$login WETREAD_KNOWN_HOSTS=$KNOWN wetread -c "ssh://$login@127.0.0.1:$SSH_PORT" "$@"
}
code() { # code COMMAND...: its exit code; OUT and ERR have what it printed
	"$@" >"$E2E_DIR/out" 2>"$E2E_DIR/err"
	CODE=$?
	OUT=$(cat "$E2E_DIR/out") ERR=$(cat "$E2E_DIR/err")
}
gives() { # gives CODE WHAT COMMAND...
	local wanted=$1 what=$2
	shift 2
	code "$@"
	if [ $CODE -eq "$wanted" ]; then ok "$what"; else not_ok "$what" "\$ $*"$'\n'"exit $CODE, wanted $wanted"$'\n'"$OUT"$'\n'"$ERR"; fi
}
state() { u kim show "$1" --json | jq -r .state; }

# ---- host keys

gives 4 "an unknown host key is refused without a terminal" setsid -w env WETREAD_IDENTITY="$KEYS/okafor" WETREAD_KNOWN_HOSTS="$KNOWN" \
	wetread -c "ssh://okafor@127.0.0.1:$SSH_PORT" ping
like "$ERR" 'SHA256:[A-Za-z0-9+/]{43}.*--accept-host-key SHA256' "the refusal names the fingerprint and how to accept it"
FP=$(grep -o 'SHA256:[A-Za-z0-9+/]*' <<<"$ERR" | head -1)
is "$FP" "$(ssh-keygen -lf "$SITE/host_key.pub" 2>/dev/null | awk '{print $2}' || true)" "the fingerprint is the host key's"
gives 4 "another fingerprint is not accepted" s okafor ping --accept-host-key SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
is "$(grep -cF "is $FP, not SHA256:AAAA" <<<"$ERR")" 1 "the refusal names both fingerprints"
gives 0 "the right fingerprint is accepted" s okafor ping --accept-host-key "$FP"
gives 0 "and remembered" s okafor ping --json
is "$(jq -r .user <<<"$OUT")/$(jq -r .role <<<"$OUT")" okafor/radiologist "over SSH one is who the key says"
gives 4 "a key that is not known is not let in" env WETREAD_IDENTITY="$KEYS/lind" WETREAD_KNOWN_HOSTS="$KNOWN" \
	setsid -w wetread -c "ssh://okafor@127.0.0.1:$SSH_PORT" ping
cp "$KEYS/okafor" "$E2E_DIR/shown" && chmod 644 "$E2E_DIR/shown"
with_key() { # with_key FILE: a ping as okafor with this key and no terminal
	code env WETREAD_IDENTITY="$1" WETREAD_KNOWN_HOSTS="$KNOWN" setsid -w wetread -c "ssh://okafor@127.0.0.1:$SSH_PORT" ping
}
with_key "$E2E_DIR/shown"
like "$CODE $ERR" "^4 .*/shown: others may read this private key \(mode 0644\).*chmod 600" "a private key that others may read is not used"
echo nonsense >"$E2E_DIR/nonsense" && chmod 600 "$E2E_DIR/nonsense"
with_key "$E2E_DIR/nonsense"
like "$CODE $ERR" "^4 .*/nonsense: this is not a private key" "a key file that is none is called so"
with_key "$E2E_DIR/absent"
like "$CODE $ERR" "^4 .*/absent: No such file" "and one that is not there"
ssh-keygen -q -t ed25519 -N 'open sesame' -f "$E2E_DIR/locked"
with_key "$E2E_DIR/locked"
like "$CODE $ERR" "^4 .*/locked: it has a passphrase and none was given" "and one with a passphrase, when nobody can be asked"
ssh-keygen -q -t ed25519 -N '' -f "$E2E_DIR/other"
printf '[127.0.0.1]:%s %s\n' "$SSH_PORT" "$(cut -d' ' -f1,2 "$E2E_DIR/other.pub")" >"$E2E_DIR/wrong_hosts"
gives 4 "a host key that changed is refused" env WETREAD_IDENTITY="$KEYS/okafor" WETREAD_KNOWN_HOSTS="$E2E_DIR/wrong_hosts" \
	setsid -w wetread -c "ssh://okafor@127.0.0.1:$SSH_PORT" ping --accept-host-key "$FP"

# ---- every command, over SSH and over the local socket

for n in 1 2 3 4 5 6 7 8 9; do gives 0 "ready 4800000$n" u kim ready "4800000$n"; done
gives 0 "list over SSH" s okafor list --json
is "$(jq -r '[.[].accession] | sort | join(" ")' <<<"$OUT")" \
	"48000001 48000002 48000003 48000004 48000005 48000006 48000007 48000008 48000009 48000666 777 777" "it has every study"
holds "each has the promised keys" jq -e 'all(.[]; has("id") and has("accession") and has("site") and (.patient|has("id") and has("name")
	and has("birth_date") and has("sex")) and has("modality") and has("description") and has("priority") and has("patient_class")
	and has("state") and has("reader") and has("revision") and has("images") and has("hold") and has("rank")
	and (.clock == null or (.clock|has("name") and has("started") and has("due") and has("remaining_s") and has("paused") and has("breached"))))' "$E2E_DIR/out"
is "$(jq -c '.[] | select(.accession=="48000001") | [.site,.modality,.patient.name,.patient.birth_date,.patient.sex,.state,.patient_class]' <<<"$OUT")" \
	'["STANNE","CT","DOE^JANE1","1962-03-01","F","ready","E"]' "and says what the order said"
gives 0 "list as a table" u okafor list
like "$OUT" $'48000001 +CT +HEAD W/O +DOE, JANE1 +STANNE +READY' "the table has the study"
gives 0 "a filter" u okafor list --filter 'mod:mr' --json
is "$(jq -r '.[].accession' <<<"$OUT")" 48000666 "picks"
gives 2 "a filter that is wrong" u okafor list --filter 'left<soon'
like "$ERR" 'left<\[soon\]' "is told with its place"
mkdir -p "$XDG_CONFIG_HOME/wetread/views.d"
printf 'filter = mod:mr\nsort = -acc\n' >"$XDG_CONFIG_HOME/wetread/views.d/magnets.view"
gives 0 "a saved view" u okafor list --view magnets --json
is "$(jq -r '.[].accession' <<<"$OUT")" 48000666 "picks by its filter"
gives 0 "and stands for it in a filter" u okafor list --filter '!@magnets' --json
is "$(jq -r '[.[].modality] | index("MR")' <<<"$OUT")" null "turned round"
gives 2 "a view that is not there" u okafor list --view magnet
like "$ERR" 'did you mean magnets' "is told with the nearest"
rm "$XDG_CONFIG_HOME/wetread/views.d/magnets.view"
gives 0 "a sort" u okafor list --sort -acc -n 2 --json
is "$(jq -r '[.[].accession]|join(" ")' <<<"$OUT")" "777 777" "orders"
gives 0 "list as CSV" u okafor list --csv
is "$(head -1 <<<"$OUT" | cut -d, -f1-3)" id,accession,site "with a header"
COLUMNS=40 code u okafor list
is "$(awk '{ if (length($0) > 40) n++ } END { print n + 0 }' <<<"$OUT")" 0 "a narrow table is cut to its width"

gives 0 "claim over SSH" s okafor claim 48000001
gives 0 "claim again is a success" s okafor claim 48000001
gives 1 "another reader's claim is refused" u lind claim 48000001 --json
is "$(jq -r '.error | [.name, .by, (.at|type), .exit] | @csv' <<<"$ERR")" '"taken","okafor","string",1' "with who and when, as JSON on standard error"
is "$OUT" "" "and nothing on standard output"
gives 0 "note from standard input" bash -c "printf 'called the ward\n' | wetread -c unix:$SOCK --as okafor note 48000001 -"
gives 0 "ask" u kim ask 48000001 please hurry
gives 0 "finish as prelim" s okafor finish 48000001 --as prelim no bleed
is "$(state 48000001)" prelim "is a preliminary report"
gives 0 "show" u kim show 48000001
like "$OUT" "called the ward" "has the note"
like "$OUT" "no bleed" "and the report"
gives 0 "show --json" s kim show 48000001 --json
is "$(jq -r '[.accession, .state, (.reports|length), (.thread[0].text), (.timeline|length > 3)] | @csv' <<<"$OUT")" \
	'"48000001","prelim",1,"called the ward",true' "has it all"
gives 0 "next over SSH" s okafor next --json
NEXT=$(jq -r .accession <<<"$OUT")
BEFORE=$(u okafor show "$NEXT" --json | jq -r 'if .prelim_at then "prelim" else "ready" end')
like "$NEXT" '^[0-9]+$' "says which"
is "$(state "$NEXT")" reading "which is being read"
gives 0 "release" s okafor release "$NEXT"
is "$(state "$NEXT")" "$BEFORE" "gives it back"
gives 0 "assign" u kim assign 48000003 okafor she knows the patient
gives 0 "unassign" u kim unassign 48000003
gives 1 "a reader without a licence cannot be assigned" u kim assign 48000003 lind
like "$ERR" 'licence expired 2001-01-01' "and the reason has its date"
gives 0 "why" u kim why 48000003 lind
like "$OUT" 'lind: may not read: .*licence expired 2001-01-01' "says the same"
gives 0 "why --json" u kim why 48000003 --json
is "$(jq -r '[.readers[]|select(.login=="lind").eligible]|@csv' <<<"$OUT")" false "for programs too"
gives 0 "hold" u kim hold 48000004 TECH left arm only
gives 1 "hold with no such reason" u kim hold 48000005 BECAUSE
like "$ERR" 'TECH' "names those there are"
gives 0 "list of what is held" u okafor list --filter hold --json
is "$(jq -r '.[]|.accession + .hold' <<<"$OUT")" 48000004TECH "has it"
gives 0 "unhold" u kim unhold 48000004
gives 0 "duty" u okafor duty break
gives 0 "readers" u kim readers --json
is "$(jq -r '.[]|select(.login=="okafor").duty' <<<"$OUT")" break "shows the break"
gives 0 "readers as a table" u kim readers
like "$OUT" 'okafor +break' "too"
gives 0 "a coordinator sets another's duty" u kim duty on okafor
gives 0 "claim to take over" u okafor claim 48000005
gives 1 "a coordinator may not take over" u kim takeover 48000005 okafor overdue
gives 0 "a supervisor may" s sup1 takeover 48000005 okafor overdue since noon
gives 1 "a signature with the lease that ended is refused" u okafor finish 48000005 all clear
like "$ERR" 'late entry' "and says that the words are kept"
u kim show 48000005 --json >"$E2E_DIR/out"
is "$(jq -r '[.thread[]|select(.kind=="late").text]|join("|")' "$E2E_DIR/out")" "all clear" "which they are"
gives 1 "a signature without a lease is refused" bash -c "printf 'line one\nline two\n' | wetread -c unix:$SOCK --as okafor finish 48000006 -"
like "$ERR" $'was not kept.*\nline one\nline two' "and gives the words back"
gives 1 "for programs, too" u okafor finish 48000006 --json all clear
is "$(jq -r .error.unsaved <<<"$ERR")" "all clear" "as a member"
gives 3 "without a link" wetread -c "unix:$E2E_DIR/none.sock" finish 48000006 all clear
like "$ERR" $'here it is:\nall clear' "they come back as well"
gives 0 "a claim" u okafor claim 48000006 --json
UNTIL=$(jq -r '.until | sub("\\.[0-9]+"; "") | fromdate' <<<"$OUT") NOW=$(date +%s)
holds "says until when" test $((UNTIL - NOW)) -gt 800 -a $((UNTIL - NOW)) -le 900
gives 0 "again, in words" u okafor claim 48000006
like "$OUT" 'yours until [0-9]' "the same"
gives 0 "and is given back" u okafor release 48000006
gives 1 "acknowledge when there is nothing" u okafor acknowledge 48000005
gives 1 "cancel when nothing was withdrawn" u okafor cancel 48000005 yes

# ---- names, revisions, operations

gives 1 "an ambiguous accession is refused" u kim note 777 words
like "$ERR" 'STANNE/777 \(.*\) or MESA/777 \(' "and says how to name it"
gives 1 "to look at, too" u kim show 777
like "$ERR" 'STANNE/777 \(.*\) or MESA/777 \(' "with the same words"
gives 0 "who sees one site only" u mesan note 777 words
gives 0 "is not told of the other" u mesan show 777 --json
is "$(jq -r .site <<<"$OUT")" MESA "and means the own one"
gives 2 "a note has no revision to look at" u kim note MESA/777 words --revision 1
gives 0 "SITE/ACCESSION" u kim note MESA/777 words
gives 0 "#ID" u kim note "#2" words
gives 1 "no such study" u kim note 123456 words --json
is "$(jq -r .error.name <<<"$ERR")" notfound "has its own name"
REV=$(u kim show 48000006 --json | jq .revision)
gives 0 "a change" u kim hold 48000006 PRIOR
gives 1 "with the revision from before it is refused" u kim unhold 48000006 --revision "$REV" --json
is "$(jq -r '.error | [.name, .by, .what] | @csv' <<<"$ERR")" '"stale","kim","study.held"' "with who and what"
gives 0 "unless it is forced" u kim unhold 48000006 --revision "$REV" --force
gives 0 "an operation" u kim note 48000007 once --op fixed-operation-id-1
gives 0 "sent again" u kim note 48000007 once --op fixed-operation-id-1
is "$(u kim show 48000007 --json | jq '.thread|length')" 1 "acts once"

# ---- what hurts terminals

for args in "list" "list --csv" "list --json" "show 48000666" "show 48000666 --json" "why 48000666 --json"; do
	# shellcheck disable=SC2086 # words
	code u kim $args
	like "$OUT" EVIL "$args shows the hostile name"
	is "$(LC_ALL=C grep -c $'[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]\|\xe2\x80[\xaa-\xae]\|\xe2\x81[\xa6-\xa9]' "$E2E_DIR/out")" 0 "$args prints it harmlessly"
	is "$(LC_ALL=C grep -c $'\xcc\x81\xcc\x81\xcc\x81' "$E2E_DIR/out")" 0 "$args prints at most two marks"
done
gives 1 "what was typed comes back harmless" u kim note $'48\e[2J\xe2\x80\xae' words
is "$(LC_ALL=C grep -c $'[\x01-\x08\x0e-\x1f]\|\xe2\x80\xae' "$E2E_DIR/err")" 0 "in the refusal too"

# ---- wrong calls, no link

gives 2 "no such command" u kim clam 1
like "$ERR" "did you mean 'claim'" "suggests"
gives 2 "a missing argument" u kim hold 48000001
gives 2 "text that is not UTF-8" u kim note 48000001 $'\xff\xfe'
gives 2 "empty standard input" bash -c "wetread -c unix:$SOCK --as kim note 48000001 - </dev/null"
gives 3 "nobody listens" wetread -c "unix:$E2E_DIR/none.sock" ping
gives 3 "nobody listens, SSH" env WETREAD_KNOWN_HOSTS="$KNOWN" wetread -c "ssh://okafor@127.0.0.1:$(free_port)" --timeout 10 ping
gives 2 "no coordinator named" wetread ping
gives 2 "an address that makes no sense" wetread -c "http://x" ping
gives 4 "no such account" u nobody ping
WETREAD_COORDINATOR=unix:$SOCK code wetread --as kim ping
is $CODE 0 "the environment names the coordinator"
mkdir -p "$XDG_CONFIG_HOME/wetread"
printf 'coordinator = unix:%s\n' "$SOCK" >"$XDG_CONFIG_HOME/wetread/config"
gives 0 "so does the configuration file" wetread --as kim ping
printf '\ntimout = 5s\n' >>"$XDG_CONFIG_HOME/wetread/config"
gives 2 "a wrong line in it" wetread --as kim ping
like "$ERR" "config:3: .*did you mean .*timeout" "is told with its line"
rm "$XDG_CONFIG_HOME/wetread/config"

# ---- answers that get lost, output that gets lost

kill -STOP "${PID[wetreadd]}"
gives 3 "no answer in time" u okafor claim 48000008 --timeout 1
like "$ERR" "may have been done" "says that it may have been done"
is "$(find "$XDG_STATE_HOME/wetread/tx" -type f -perm 600 | wc -l)" "$(find "$XDG_STATE_HOME/wetread/tx" -type f | wc -l)" "transaction ids are their owner's only"
kill -CONT "${PID[wetreadd]}"
gives 0 "the same claim again is a success" u okafor claim 48000008
gives 0 "finish" u okafor finish 48000008 no bleed
is "$(find "$XDG_STATE_HOME/wetread/tx" -type f -newer "$E2E_DIR/other" -exec grep -l . {} + | wc -l)" \
	"$(find "$XDG_STATE_HOME/wetread/tx" -type f | wc -l)" "no half-written files"
u kim list >/dev/full 2>"$E2E_DIR/err"
is $? 6 "a full disk under standard output is not a success"
u kim note 48000009 words >/dev/full 2>"$E2E_DIR/err"
is $? 6 "nor when something was done"
gives 6 "a pipe that nobody reads is not a success" /usr/bin/python3 -c 'import os, subprocess, sys
r, w = os.pipe(); os.close(r)
sys.exit(subprocess.run(sys.argv[1:], stdout=w).returncode)' wetread -c "unix:$SOCK" --as kim list
is "$ERR" "" "and the reader who left is not told"
u kim list >&- 2>"$E2E_DIR/err"
is $? 6 "no standard output at all"

# ---- watch

start watch wetread -c "unix:$SOCK" --as kim watch
start watchj wetread -c "unix:$SOCK" --as kim watch --json --filter 'acc:48000009'
told() { grep -q "$2" "$E2E_DIR/$1.log"; }
# Nothing tells when a watch is live; so something is done until it is told.
poke() { u kim note 48000009 poke >/dev/null && sleep 0.2 && told watch noted && told watchj noted; }
wait_for 15 "watch tells what happens" poke
like "$(grep noted "$E2E_DIR/watch.log" | head -1)" '^[0-9]{2}:[0-9]{2} 48000009 CT noted by kim.* STANNE$' "in words"
is "$(head -1 "$E2E_DIR/watchj.log" | jq -r '[.event,.by,.matches,.study.accession]|@csv')" '"study.noted","kim",true,"48000009"' "and as JSON"
stop wetreadd
wait_for 10 "watch tells that the link is lost" told watch 'link lost'
: >"$E2E_DIR/wetreadd.log"
coordinator
wait_for 30 "watch comes back by itself" told watch 'link is back'
u kim hold 48000009 TECH >/dev/null
wait_for 10 "and goes on" told watch 'held TECH by kim'
wait_for 10 "as JSON too" told watchj '"event":"study.held"'
is "$(jq -es 'all(.[]; has("at") and has("event"))' "$E2E_DIR/watchj.log")" true "every line of it is an object"
stop watch
stop watchj

# ---- a coordinator that makes no sense, or a person at a terminal

cat >"$E2E_DIR/odd.py" <<'PY'
# Listens on a socket and answers every line with what the first argument says, whatever was asked.
import json, os, socket, sys
path, what = sys.argv[1:3]
s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen(8)
hello = {"version": 1, "user": "kim", "name": "k", "role": "coordinator", "now": 1, "epoch": "e", "n": 1}
while True:
    c, _ = s.accept()
    try:
        for line in c.makefile():
            m = json.loads(line)
            reply = {"jsonrpc": "2.0", "id": m.get("id"), "result": hello if m["method"] == "hello" else {}}
            if what == "junk": out = b"this is not JSON\n"
            elif what == "huge": out = b"[" * (2 << 20)
            elif what == "close": out = None
            elif what == "version": out = (json.dumps({"jsonrpc": "2.0", "id": m.get("id"), "error": {"code": -32013, "message": "other version"}}) + "\n").encode()
            else: out = (json.dumps(reply) + "\n").encode()
            if out is None: break
            c.sendall(out)
    except OSError:
        pass
    c.close()
PY
odd() { # odd KIND CODE WHAT WORDS...
	local kind=$1 wanted=$2 what=$3
	shift 3
	start "odd_$kind" /usr/bin/python3 "$E2E_DIR/odd.py" "$E2E_DIR/odd.$kind" "$kind"
	wait_for 5 "the odd coordinator listens" test -S "$E2E_DIR/odd.$kind"
	gives "$wanted" "$what" wetread -c "unix:$E2E_DIR/odd.$kind" --timeout 3 "$@"
	stop "odd_$kind"
}
odd junk 5 "junk in place of an answer is a protocol fault" ping
odd version 5 "so is another version" ping
odd huge 5 "so is a line without end" ping
odd empty 5 "so is a study that is not there" show 1
odd close 3 "an end that closes is no link" note 1 words
cat >"$E2E_DIR/person.py" <<'PY'
# person.py PROMPT ANSWER COMMAND...: runs it on a terminal of its own, and answers each time the prompt is there.
import os, pty, signal, sys
prompt, answer, command = sys.argv[1], sys.argv[2], sys.argv[3:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
signal.alarm(20)
seen, told = b"", 0
while True:
    try:
        got = os.read(fd, 4096)
    except OSError:
        break
    if not got:
        break
    seen += got
    if seen.count(prompt.encode()) > told:
        told += 1
        os.write(fd, answer.encode() + b"\n")
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
person_types() { # person_types PROMPT ANSWER KEY KNOWN_HOSTS
	WETREAD_IDENTITY=$KEYS/$3 WETREAD_KNOWN_HOSTS=$4 /usr/bin/python3 "$E2E_DIR/person.py" "$1" "$2" \
		wetread -c "ssh://okafor@127.0.0.1:$SSH_PORT" --timeout 10 ping
}
gives 0 "a person may accept the host key on the terminal" person_types '(yes/no)?' yes okafor "$KNOWN"
like "$OUT" 'SHA256:.*okafor, radiologist' "after being shown its fingerprint"
gives 4 "or not" person_types '(yes/no)?' no okafor "$E2E_DIR/known2"
ssh-keygen -q -t ed25519 -N secret -f "$KEYS/locked"
holds "a key with a passphrase" "${CTL[@]}" key add okafor "$KEYS/locked.pub"
gives 0 "the passphrase is asked for on the terminal" person_types 'locked' secret locked "$KNOWN"
is "$(grep -c secret <<<"$OUT")" 0 "and not shown"
gives 4 "a wrong one lets nobody in" person_types 'locked' wrong locked "$KNOWN"
gives 4 "without a terminal it is not" env WETREAD_IDENTITY="$KEYS/locked" WETREAD_KNOWN_HOSTS="$KNOWN" \
	setsid -w wetread -c "ssh://okafor@127.0.0.1:$SSH_PORT" --timeout 10 ping

# ---- help and completion

gives 0 "help" wetread --help
like "$OUT" 'takeover STUDY READER REASON' "has the commands"
gives 0 "version" wetread --version
wetread --completion bash >"$E2E_DIR/complete.bash"
holds "bash reads its completion" bash -n "$E2E_DIR/complete.bash"
complete_words() { bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wetread; echo "${COMPREPLY[*]}"' - "$E2E_DIR/complete.bash" "$@"; }
is "$(complete_words wetread rel)" release "a command is completed"
is "$(complete_words wetread -c x finish 1 --as pre)" prelim "an argument's word is completed"
is "$(complete_words wetread list --fil)" --filter "an option is completed"
finish
