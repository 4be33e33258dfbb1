#!/usr/bin/env bash
# ssh-audit on the gate: nothing failed, and no warning but the two that cannot be helped with this
# libssh: the marker for strict key exchange, which an old ssh-audit does not know, and
# that curve25519 is not post-quantum, which a new one says.
. "${top_srcdir:?}/tests/e2e/ssh_lib.sh"

need ssh-audit
start_gate audit --allow any
NO_COLOR=1 ssh-audit -n -p "$port" 127.0.0.1 >"$T/audit.out" 2>&1 || :
holds "the audit saw the gate" grep -q 'SSH-2.0-wetread_1' "$T/audit.out"
holds "nothing fails" refute grep '\[fail\]' "$T/audit.out"
holds "no warning is new" refute eval 'grep "\[warn\]" "$T/audit.out" | grep -vE "kex-strict-s-v00@openssh.com|post-quantum"'
holds "no known vulnerability is named" refute grep 'CVE' "$T/audit.out"
finish
