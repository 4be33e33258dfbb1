#!/usr/bin/env bash
# The other door: OpenSSH's sshd with wetread-stdio as its subsystem, for the stock client and the link.
. "${top_srcdir:?}/tests/e2e/ssh_lib.sh"

sshd=$(command -v sshd || echo /usr/sbin/sshd)
need "$sshd" wetread-stdio
key host -t ed25519
key user -t ed25519
cp "$T/user.pub" "$T/authorized"
chmod 600 "$T/authorized"
cat >"$T/stdio" <<END
#!/bin/sh
exec $top_builddir/wetread-stdio --socket $T/core.sock
END
chmod 755 "$T" "$T/stdio"
port=$(free_port)
cat >"$T/sshd_config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $T/host
AuthorizedKeysFile $T/authorized
StrictModes no
UsePAM no
PidFile none
Subsystem wetread $T/stdio
END
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
start sshd "$sshd" -D -e -f "$T/sshd_config"
wait_for 10 "sshd listens" grep -q 'Server listening' "$T/sshd.log" || finish
me=$(id -un)
echo "[127.0.0.1]:$port $(body_of host)" >"$T/known"

go -i "$T/user" -s "$me@127.0.0.1" wetread </dev/null >"$T/down" 2>/dev/null
holds "a core that is down ends with exit status 3" [ $? = 3 ]
holds "... and says where it was looked for" grep -q "$T/core.sock.*is wetreadd running" "$T/down"
export WETREAD_IDENTITY=$T/user
link_talk --for 5000 --quit-offline "ssh://$me@127.0.0.1:$port" </dev/null >"$T/out" 2>&1
holds "the link shows what wetread-stdio said" grep -q "state offline -10 .*is wetreadd running" "$T/out"

start core echo_core --unix "$T/core.sock"
await 5 test -S "$T/core.sock"
echo hello | go -i "$T/user" -s "$me@127.0.0.1" wetread >"$T/out" # this core sends back what it hears
is "$(sed -n 1p "$T/out")" '{"jsonrpc":"2.0","method":"session.via","params":{"via":"sshd","from":"127.0.0.1"}}' \
	"the coordinator hears first that sshd is in between, and for whom"
is "$(sed 1d "$T/out")" hello "a line comes back"
seq 1 300000 >"$T/many"
holds "bytes come back whole through rekeys" eval 'go -i "$T/user" -C -o RekeyLimit=128K -s "$me@127.0.0.1" wetread <"$T/many" | tail -n +2 | cmp - "$T/many"'
holds "half-close: the answer comes after the end of input" eval '[ "$(echo "flood 3000000" | go -i "$T/user" -s "$me@127.0.0.1" wetread | wc -c)" -ge 3000000 ]'
holds "the core's close is status 0" eval 'echo bye | go -i "$T/user" -s "$me@127.0.0.1" wetread'
link_talk --for 5000 --quit-lines 2 --first hello "ssh://$me@127.0.0.1:$port" </dev/null >"$T/out" 2>&1
holds "the link gets its first line back" grep -q 'line hello' "$T/out"

# the bridge itself, without sshd
holds "a reader that has gone ends the bridge" eval 'echo "flood 50000000" | timeout 10 "$top_builddir/wetread-stdio" --socket "$T/core.sock" | head -c 100 >/dev/null; [ "${PIPESTATUS[1]}" = 0 ]'
holds "\$WETREAD_SOCKET names the socket" eval '[ "$(echo x | WETREAD_SOCKET=$T/core.sock "$top_builddir/wetread-stdio")" = x ]'
holds "a wrong option is a usage error" eval '"$top_builddir/wetread-stdio" --nothing 2>/dev/null; [ $? = 2 ]'
finish
