#!/usr/bin/env bash
# Senders that mean harm: nothing of theirs becomes a command, a path, a crash or a lot of memory.
. "${top_srcdir:?}/tests/e2e/dicom_lib.sh"
need python3
intake_ini '[limit]' 'idle = 3s' 'request = 3s'
intake_start
evil() { "$top_srcdir/tests/lib/hostile_dicom.py" "$PORT" "$@"; }

for title in '`touch PWN1`' "';touch PWN2;'" '$(touch PWN3)' '../../../etc/x' 'A\B' $'CT1\x1b[2J' ''; do
	is "$(evil titles "$title")" "rejected 1/1/3" "a calling title of $(printf %q "$title") is not in the list"
done
for uid in '../../../tmp/evil' '1.2;touch PWN4' '1.2.`id`' '1.2.$(id)' '/etc/passwd' '' '1..2' \
	'1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25.26.27.28.29'; do
	is "$(evil uid "$uid")" "status 0x0117" "a SOP Instance UID of $(printf %q "$uid") is refused"
	is "$(evil study "$uid")" "status 0xc000" "... and as a Study Instance UID too"
done
is "$(evil mismatch)" "status 0xa900" "another object than the command says is refused"
is "$(evil random)" "status 0xc000" "random bytes are refused"
is "$(evil nested)" "status 0x0000" "100,000 nested sequences are stored"
is "$(evil bomb)" "status 0x0000" "a deflate bomb is stored"
is "$(evil escapes)" "status 0x0000" "a name full of escapes is stored"
wait_for 10 "they are indexed" has_stored 3 && ok "they are indexed"
is "$(sql "select count(*) from instance where trouble is not null")" 2 "... with what was wrong with their headers"
wait_for 5 "they are told" eval 'told arrived | grep -q 1.2.3' && ok "they are told"
is "$(told arrived | grep -cP '[\x00-\x1f\x7f]|\\u00(0|1|7f|8|9)')" 0 "no control character is told"
is "$(evil idle)" "aborted" "an association that says nothing is ended after its time"
is "$(evil half)" "closed" "a connection may end within an object"
is "$(evil dribble)" "accepted" "a request may come byte by byte"
is "$(evil garbage)" "aborted" "garbage is answered by an abort"
is "$(evil huge)" "aborted" "a PDU of 4 GiB is not waited for"
like "$(evil echoes)" '^(echo ok|closed|aborted)$' "a sender that does not read its answers waits for itself"
wait_for 10 "no half object stays" nothing_waits && ok "no half object stays"
is "$(stored)" 3 "nothing else was stored"
is "$(find "$E2E_DIR" /tmp -maxdepth 1 -name 'PWN*' -o -maxdepth 1 -name 'evil*' 2>/dev/null | wc -l)" 0 "no command ran, no path was left"
is "$(find "$IMAGES" -type f ! -path '*/study/*' ! -path '*/preview/*' ! -name 'index.db*' ! -name lock | wc -l)" 0 "no file lies where it should not"
intake_alive && ok "the listener lives" || not_ok "the listener lives"
like "$(awk '/VmHWM/ {print $2}' "/proc/$INTAKE/status")" '^[0-9]{1,5}$' "it never had as much as 100 MB"
intake_says 'sandbox forbids\|killed by signal' && not_ok "no process of it died" "$(grep -a 'killed' "$E2E_DIR/intake.log")" || ok "no process of it died"
is "$(grep -caP '\x1b' "$E2E_DIR/intake.log")" 0 "its log has no escape in it"
holds "it serves others" echoscu -aet CT1 -aec WETREAD 127.0.0.1 "$PORT"
finish
