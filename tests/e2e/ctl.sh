#!/usr/bin/env bash
# What must stay true of wetreadctl: real programs, with and without a coordinator that runs.
. "${top_srcdir:?}/tests/e2e/lib.sh"
need ssh-keygen jq sqlite3 wetreadctl wetreadd wetread-gate wetread-hl7
export WETREAD_LIBEXECDIR=$top_builddir

D=$E2E_DIR/site
ctl() { wetreadctl -d "$D" "$@"; }
MLLP=$(free_port)

# ---- init
out=$(ctl init --ssh 127.0.0.1:0 --hl7 "127.0.0.1:$MLLP" --admin boss 2>&1)
like "$out" "host key +SHA256:[A-Za-z0-9+/]{43}" "init says the host key's fingerprint"
is "$(ssh-keygen -lf "$D/host_key.pub" | cut -d' ' -f2)" "$(grep -o 'SHA256:[^ ]*' <<<"$out")" "which ssh-keygen sees too"
is "$(stat -c %a "$D")" 700 "the directory is its owner's"
is "$(find "$D" -type f ! -name '*.pub' -perm /077)" "" "and so is every file with a secret"
fails 1 "a second init is refused" ctl init
like "$(ctl init 2>&1)" "site already" "and says why"
fails 2 "an address that cannot be is refused" wetreadctl -d "$E2E_DIR/other" init --ssh localhost:22
is "$(ls -d "$E2E_DIR/other" 2>/dev/null)" "" "before anything is made"
is "$(ctl user list --json | jq -r '.[0] | .login + " " + .role + " " + .unix')" "boss admin $(id -un)" "the first administrator is whoever ran it"
holds "the policy file that init writes is in order" ctl policy check
: >"$E2E_DIR/file"
fails 6 "a file in the directory's place is an error" wetreadctl -d "$E2E_DIR/file" init

# ---- words
like "$(ctl polcy 2>&1)" "did you mean policy" "a slip in a command finds it"
like "$(ctl user lst 2>&1)" "did you mean user list" "a slip in its second word too"
like "$(ctl user list --jsn 2>&1)" "did you mean --json" "and in an option"
like "$(ctl user add x rol=admin 2>&1)" "did you mean role" "and in a key"
like "$(ctl --json user add x rol=admin 2>&1 | jq -r .error.name)" "^usage$" "errors are JSON when asked for"
fails 2 "a command without its arguments is a usage error" ctl key add boss
fails 2 "an option it does not take is one too" ctl user list --since 1h
like "$(ctl user add --help)" "licences" "help of user add lists the keys"

missing=
while read -r words; do
	grep -q "^\.It Cm $words\b" "$top_srcdir/man/wetreadctl.8" || missing+=" [$words]"
done < <(sed -n 's/^CTL([a-z_0-9]*, *"\([a-z0-9 ]*\)".*/\1/p' "$top_srcdir/tbl/ctl.def")
is "$missing" "" "every command is in the manual"
missing=
while read -r key; do
	grep -q "^\.It Cm $key$" "$top_srcdir/man/wetreadd.conf.5" || missing+=" $key"
done < <(sed -n 's/^CONFIG([a-z_0-9]*, *"[a-z0-9]*", *"\([a-z_0-9]*\)".*/\1/p' "$top_srcdir/tbl/config.def")
is "$missing" "" "and every setting"

# ---- people, keys and sites, by the journal itself
ssh-keygen -q -t ed25519 -N '' -C 'mary@laptop' -f "$E2E_DIR/ed"
ssh-keygen -q -t rsa -b 2048 -N '' -C rsa -f "$E2E_DIR/rsa"
ssh-keygen -q -t ecdsa -b 256 -N '' -C ec -f "$E2E_DIR/ec"
ssh-keygen -q -t ecdsa -b 384 -N '' -C ec384 -f "$E2E_DIR/ec384"
ssh-keygen -q -s "$E2E_DIR/ed" -I id -n okafor "$E2E_DIR/ec.pub"
people() { # the same with and without a coordinator; $1 makes logins differ
	local who=$1
	holds "user add ($2)" ctl user add "$who" role=radiologist "name=Mary O'Kafor" zone=America/Chicago licences=TX:2027-03-31 modalities='CT MR'
	fails 1 "an account is not added twice ($2)" ctl user add "$who" role=admin
	fails 1 "nor changed when it is not there ($2)" ctl user set nobody-$who duty=on
	fails 2 "a role that is none is refused ($2)" ctl user add y-$who role=king
	fails 2 "a zone that is none ($2)" ctl user set "$who" zone=Mars/Olympus
	fails 2 "a licence's date that is none ($2)" ctl user set "$who" licences=TX:soon
	fails 2 "a duty that is none ($2)" ctl user set "$who" duty=maybe
	holds "user set ($2)" ctl user set "$who" duty=on zone= capacity=240
	is "$(ctl user list --json | jq -c ".[] | select(.login == \"$who\") | [.duty, .zone, .capacity, .name]")" \
		"[\"on\",null,240,\"Mary O'Kafor\"]" "what was set is there, what was cleared is not ($2)"
}
people okafor "by the journal"
holds "key add of three types" bash -c "cat '$E2E_DIR'/{ed,rsa,ec}.pub | wetreadctl -d '$D' key add okafor -"
is "$(ctl key list okafor --json | jq -r '.[].fingerprint' | sort)" \
	"$(for k in ed rsa ec; do ssh-keygen -lf "$E2E_DIR/$k.pub"; done | cut -d' ' -f2 | sort)" "fingerprints are OpenSSH's"
like "$(ctl key add okafor "$E2E_DIR/ec-cert.pub" 2>&1)" "ec-cert.pub:1: certificates are not accepted" "a certificate is refused"
like "$(ctl key add okafor "$E2E_DIR/ec384.pub" 2>&1)" "not accepted" "a type the gate refuses is refused here"
like "$(ctl key add okafor "$E2E_DIR/ed" 2>&1)" "private key" "a private key is refused"
{ cat "$E2E_DIR/ed.pub" && echo "ssh-ed25519 AAAAnonsense x"; } >"$E2E_DIR/half.pub"
before=$(ctl journal stat --json | jq .events)
fails 2 "a file with a mistake adds nothing" ctl key add okafor "$E2E_DIR/half.pub"
is "$(ctl journal stat --json | jq .events)" "$before" "not even its good keys"
fails 1 "one key, one person" ctl key add boss "$E2E_DIR/ed.pub"
holds "key remove" ctl key remove "$(ssh-keygen -lf "$E2E_DIR/rsa.pub" | cut -d' ' -f2)"
is "$(ctl key list --json | jq length)" 2 "and it is gone"
holds "site add" ctl site add STANNE "name=St Anne" zone=America/Chicago jurisdiction=TX
fails 2 "a site's zone is checked" ctl site set STANNE zone=nowhere
holds "user remove" ctl user remove okafor
is "$(ctl user list --json | jq '.[] | select(.login == "okafor") | .disabled')" 1 "disables"
fails 4 "who is disabled may not act" ctl --as okafor site set STANNE name=x
holds "user set disabled=0" ctl user set okafor disabled=0
fails 1 "a radiologist may not administer" ctl --as okafor site set STANNE name=x

# ---- policy
printf '[clock x]\nuntil = maybe\n' >"$E2E_DIR/bad.ini"
fails 1 "policy check finds the mistake" ctl policy check "$E2E_DIR/bad.ini"
fails 1 "policy apply does not apply it" ctl policy apply "$E2E_DIR/bad.ini"
is "$(ctl policy show --json | jq -c '[.version, .builtin]')" "[0,true]" "nothing was in force before"
holds "policy apply" ctl policy apply
is "$(ctl policy show --json | jq -r .text)" "$(cat "$D/policy.ini")" "and it is what is in force"

# ---- the coordinator runs
ctl status >/dev/null 2>&1
is $? 3 "status without a coordinator exits 3"
start wetreadd wetreadd -d "$D" --foreground
wait_for 20 "wetreadd answers" ctl status || bail "wetreadd does not come up"
is "$(ctl status --json | jq .pid)" "${PID[wetreadd]}" "status says its pid"

# ---- orders of a site that nobody configured
is "$(ctl status --json | jq -c .unknown_sites)" "[]" "no site is unknown"
wait_for 5 "MLLP listens" listening "$MLLP"
stray() {
	exec 3<>"/dev/tcp/127.0.0.1/$MLLP"
	printf '\x0bMSH|^~\\&|FOO|NOWHERE|RQ|X|20261121120000||ORM^O01|S%s|P|2.5.1\rPID|1||9^^^N^MR||DOE^J\rORC|NW|PS%s|S%s\rOBR|1|PS%s|S%s|CTH^CT^L||||||||||||||||||||CT\r\x1c\r' "$1" "$1" "$1" "$1" "$1" >&3
	IFS= read -r -d $'\x1c' -t 5 -u 3 ACK
	exec 3>&-
}
stray 1
like "$ACK" 'MSA\|AA' "an order of a site that is not configured is taken"
stray 2
is "$(ctl status --json | jq -c '.unknown_sites[] | [.site, .sender, .studies, (.since > 0)]')" '["NOWHERE","FOO|NOWHERE",2,true]' \
	"status --json says that such orders wait"
like "$(ctl status)" "NOT KNOWN +NOWHERE, 2 studies since 20.* from FOO\|NOWHERE" "and status in words"
is "$(grep -c 'the site NOWHERE, which is not configured' "$E2E_DIR/wetreadd.log")" 1 "the log says it once"
holds "the site is added" ctl site add NOWHERE zone=UTC jurisdiction=TX
is "$(ctl status --json | jq -c .unknown_sites)" "[]" "and is unknown no more"
people chen "by the coordinator"
holds "key add" ctl key add chen "$E2E_DIR/rsa.pub"
holds "site set" ctl site set STANNE phone=555-0100
holds "policy apply" ctl policy apply
is "$(ctl policy show --json | jq .version)" 2 "is the next version"
fails 1 "a radiologist may not administer there either" ctl --as okafor site set STANNE name=x
fails 1 "journal snapshot leaves it to wetreadd" ctl journal snapshot
holds "journal verify beside it" ctl journal verify
holds "backup beside it" ctl backup "$E2E_DIR/copy.db"
holds "a backup can be verified where it lies" ctl journal verify "$E2E_DIR/copy.db"
is "$(ls "$E2E_DIR"/copy.db*)" "$E2E_DIR/copy.db" "and is one file, before and after"
fails 6 "rubbish is no backup" ctl journal verify "$E2E_DIR/file"
fails 1 "a backup never replaces a file" ctl backup "$E2E_DIR/copy.db"
fails 1 "restore waits for its end" ctl restore "$E2E_DIR/copy.db"

# ---- frames that were refused
exec 3<>"/dev/tcp/127.0.0.1/$MLLP"
printf '\x0bPID|||nonsense\x1b[31m\r\x1c\r' >&3
wait_for 20 "the frame is kept" bash -c "[ \"\$(wetreadctl -d '$D' hl7 refused --json | jq length)\" = 1 ]"
exec 3>&-
id=$(ctl hl7 refused --json | jq -r '.[0].id')
like "$(ctl hl7 show "$id")" "PID" "hl7 show prints it"
is "$(ctl hl7 show "$id" | tr -d '\n\t\40-\176')" "" "without its controls"
fails 1 "hl7 replay of what is refused again says so" ctl hl7 replay "$id"
is "$(ctl hl7 refused --json | jq length)" 1 "and one copy is kept"
id=$(ctl hl7 refused --json | jq -r '.[0].id')
holds "hl7 drop" ctl hl7 drop "$id"
is "$(ctl hl7 refused --json | jq length)" 0 "and it is gone"
fails 2 "an id that is none is refused" ctl hl7 show ../../etc/passwd
is "$(ctl audit export --json | jq -r 'select(.kind == "hl7.handled") | .set.command' | sort -u | xargs)" "drop replay show" \
	"that it was looked at, sent and dropped is on record"

# ---- the record
n=$(ctl audit export --json | wc -l)
is "$(ctl audit export --json | jq -s '[.[].n] == [range(1; length + 1)]')" true "an export has every event once, in order"
like "$(ctl audit export --json | jq -r 'select(.kind == "audit.exported") | .set.count' | head -1)" '^[0-9]+$' "exports are on record with their size"
is "$(ctl audit export --user chen --json | jq -r '[.by, .set.user, .set.login] | any(. == "chen")' | sort -u)" true "--user picks"
is "$(ctl audit export --since 2099-01-01 --json)" "" "--since picks"
is "$(ctl audit export --until 2000-01-01 --json)" "" "--until picks"
fails 2 "a time that is none is refused" ctl audit export --since yesterday
fails 1 "a study that never was is refused" ctl audit export --study 4711
fails 1 "a radiologist may not export" ctl --as okafor audit export
stop wetreadd
head=$(ctl audit verify --json | jq -r '"\(.events):\(.head)"')
holds "audit verify with a head noted before" ctl audit verify --head "$head"
ctl user set chen duty=off >/dev/null
holds "and after more was written" ctl audit verify --head "$head"

# ---- backup, restore
holds "restore" ctl restore "$E2E_DIR/copy.db"
fails 6 "after which the noted head is missed" ctl audit verify --head "$head"
holds "the restored journal is whole" ctl journal verify
is "$(ctl audit export --json | jq -r 'select(.kind == "journal.restored") | .set.file')" "$E2E_DIR/copy.db" "and says that it was restored"
is "$(ls "$D"/journal.db.replaced-* | wc -l)" 1 "what was there is kept"
is "$(ctl journal stat --json | jq -r .epoch | wc -c)" 23 "it has an epoch"
is "$(sqlite3 "$E2E_DIR/copy.db" "select value from meta where key = 'epoch'" | grep -cF -- "$(ctl journal stat --json | jq -r .epoch)")" 0 "of its own"
start again wetreadd -d "$D" --foreground
wait_for 20 "wetreadd takes the restored journal" ctl status
stop again

# ---- damage
sqlite3 "$D/journal.db" "update event set json = replace(json, 'America/Chicago', 'America/Denver') where n = 2"
fails 6 "a changed past is found" ctl journal verify
like "$(ctl journal verify 2>&1)" "event 2: the chain is broken" "and named"
sqlite3 "$D/journal.db" "update meta set value = '99' where key = 'format'"
fails 5 "a newer format is refused" ctl journal stat
printf 'rubbish' >"$D/journal.db"
rm -f "$D/journal.db-wal" "$D/journal.db-shm"
fails 6 "rubbish is refused" ctl journal stat
like "$(ctl journal stat 2>&1)" "not a journal" "and called so"
holds "a restore helps there too" ctl restore "$E2E_DIR/copy.db"
holds "and the site is whole" ctl journal verify
fails 6 "rubbish is not restored" ctl restore "$E2E_DIR/file"
holds "and did no harm" ctl journal verify

# ---- no administrator left
ctl user set boss disabled=1 >/dev/null
holds "the owner of the directory may let one in again" ctl user set boss disabled=0
is "$(ctl audit export --json | jq -r 'select(.kind == "user.set") | .by' | tail -1)" owner "and is on record as such"

# ---- somebody else's directory
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$E2E_DIR"
	holds "init --owner" wetreadctl -d "$E2E_DIR/theirs" init --owner nobody --admin boss
	is "$(stat -c %U "$E2E_DIR/theirs" "$E2E_DIR/theirs/journal.db" | sort -u)" nobody "everything is theirs"
	wetreadctl -d "$E2E_DIR/theirs" user add okafor role=radiologist >/dev/null
	is "$(find "$E2E_DIR/theirs" ! -user nobody)" "" "and stays so when root works on it"
fi

# ---- quickstart.sh ends a coordinator that was started by hand
start by_hand wetreadd -d "$D"
wait_for 20 "wetreadd answers" ctl status
like "$("$top_srcdir/contrib/quickstart.sh" --stop --dir "$D" 2>&1)" "ended wetreadd \(pid ${PID[by_hand]}\)" "quickstart.sh --stop finds what was started by hand"
running by_hand && not_ok "and it ends" || ok "and it ends"

# ---- a journal that lost its content
E=$E2E_DIR/empty
mkdir -p "$E" && : >"$E/journal.db" && : >"$E/wetreadd.conf"
like "$(wetreadctl -d "$E" journal verify 2>&1)" "init was interrupted: remove it" "an empty file where nothing ever ran is an interrupted init"
: >"$D/journal.db"
like "$(ctl journal verify 2>&1)" "was in use, and its content is lost.*wetreadctl restore" "where a coordinator ran a backup is to be put back"
head -c 100 /dev/urandom >"$D/journal.db"
like "$(ctl journal verify 2>&1)" "not a journal.*wetreadctl restore" "the same for rubbish"

# ---- the manual
missing=
while read -r page section; do
	[ -f "$top_srcdir/man/$page.$section" ] && grep -q "man/$page\.$section" "$top_srcdir/Makefile.am" || missing+=" $page($section)"
done < <(grep -oh '\bwetread[a-z0-9.-]*([1-8])' "$top_srcdir/README.md" "$top_srcdir"/man/* | tr '()' '  ' | sort -u)
is "$missing" "" "every page that README or another page names is there and installed"

finish
