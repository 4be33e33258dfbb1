#!/usr/bin/env bash
# The other door: OpenSSH's sshd with wetread-stdio as its subsystem, for the stock client and the link.
. "$(dirname "$0")/ssh_lib.sh"

sshd=$(command -v sshd || echo /usr/sbin/sshd)
[ -x "$sshd" ] || skip "sshd is not installed"
key host -t ed25519
key user -t ed25519
cp "$T/user.pub" "$T/authorized"
chmod 600 "$T/authorized"
cat >"$T/stdio" <<END
#!/bin/sh
exec $build/wetread-stdio --socket $T/core.sock
END
chmod 755 "$T" "$T/stdio"
free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
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
"$sshd" -D -e -f "$T/sshd_config" 2>"$T/sshd.log" &
started+=($!)
await 10 grep -q 'Server listening' "$T/sshd.log" || exit 1
me=$(id -un)
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 "$T/host.pub")" >"$T/known"
mkdir -p "$T/home"

go -i "$T/user" -s "$me@127.0.0.1" wetread </dev/null >"$T/down" 2>/dev/null
check "a core that is down ends with exit status 3" [ $? = 3 ]
check "... and says where it was looked for" grep -q "$T/core.sock.*is wetreadd running" "$T/down"
export WETREAD_IDENTITY=$T/user
"${talk[@]}" --for 5000 --quit-offline "ssh://$me@127.0.0.1:$port" </dev/null >"$T/out" 2>&1
check "the link shows what wetread-stdio said" grep -q "state offline -10 .*is wetreadd running" "$T/out"

"$build/tests/lib/echo_core" --unix "$T/core.sock" &
started+=($!)
await 5 test -S "$T/core.sock"
check "a line comes back" eval '[ "$(echo hello | go -i "$T/user" -s "$me@127.0.0.1" wetread)" = hello ]'
seq 1 300000 >"$T/many"
check "bytes come back whole through rekeys" eval 'go -i "$T/user" -C -o RekeyLimit=128K -s "$me@127.0.0.1" wetread <"$T/many" | cmp - "$T/many"'
check "half-close: the answer comes after the end of input" eval '[ "$(echo "flood 3000000" | go -i "$T/user" -s "$me@127.0.0.1" wetread | wc -c)" -ge 3000000 ]'
check "the core's close is status 0" eval 'echo bye | go -i "$T/user" -s "$me@127.0.0.1" wetread'
"${talk[@]}" --for 5000 --quit-lines 1 --first hello "ssh://$me@127.0.0.1:$port" </dev/null >"$T/out" 2>&1
check "the link gets its first line back" grep -q 'line hello' "$T/out"

# the bridge itself, without sshd
check "a reader that has gone ends the bridge" eval 'echo "flood 50000000" | timeout 10 "$build/wetread-stdio" --socket "$T/core.sock" | head -c 100 >/dev/null; [ "${PIPESTATUS[1]}" = 0 ]'
check "\$WETREAD_SOCKET names the socket" eval '[ "$(echo x | WETREAD_SOCKET=$T/core.sock "$build/wetread-stdio")" = x ]'
check "a wrong option is a usage error" eval '"$build/wetread-stdio" --nothing 2>/dev/null; [ $? = 2 ]'
done_testing
