#!/usr/bin/python3
"""paint - from an order's acknowledgement to its row on a console's screen.

    paint.py MLLP-PORT N -- COMMAND...

Runs the console on a pty, sends N STAT orders by MLLP, and for each takes the time from the last byte of its ACK to
the first byte after which the accession stands in what the console wrote.  Prints {"n","p50","p95","max","missed"}.
"""
import fcntl, json, os, pty, re, select, signal, socket, struct, sys, termios, time

port, count = int(sys.argv[1]), min(40, int(sys.argv[2]))
command = sys.argv[sys.argv.index("--") + 1:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
    os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
    os.execvp(command[0], command)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
seen = bytearray()
escape = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|\([A-Z0-9]|[=>78])|[\x0e\x0f]")


def pump(limit, wanted):
    """Reads until wanted() holds for what came since; the time it did, or None."""
    end = time.monotonic() + limit
    while True:
        if wanted():
            return time.monotonic()
        left = end - time.monotonic()
        if left <= 0:
            return None
        if select.select([fd], [], [], left)[0]:
            try:
                seen.extend(os.read(fd, 65536))
            except OSError:
                sys.exit("paint: the console ended: " + seen[-300:].decode(errors="replace"))


def order(n, s):
    # No character as in the accession before it: curses writes only the cells that differ.
    acc = "".join("bcdfghjklmnpqrstvwxz"[(n * 7 + at * 3 + os.getpid()) % 20] for at in range(8))
    acc = acc.upper() if n // 20 % 2 else acc
    # Overdue by five to eleven minutes, each longer than the one before: next to the cursor's row, which is the
    # night's worst with twelve.  What comes above the cursor is only announced.
    now = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() - 25 * 60 - n * 12))
    text = "\r".join([
        f"MSH|^~\\&|BENCH|STANNE|WETREAD|NIGHT|{now}||ORM^O01|{acc}|P|2.3.1||||||UNICODE UTF-8",
        f"PID|1||{acc}^^^STA^MR||BENCH^ROW{n}||19700101|F", "PV1|1|E|ED^1",
        f"ORC|SC|P{acc}|F{acc}||CM||^^^{now}^^S||{now}",
        f"OBR|1|P{acc}|F{acc}|CTHDSTR^CT HEAD W/O (STROKE)^L||{now}|{now}|{now}||||||||||{acc}||||||CT|||^^^^^S", ""])
    s.sendall(b"\x0b" + text.encode() + b"\x1c\r")
    ack = b""
    while not ack.endswith(b"\x1c\r"):
        part = s.recv(4096)
        if not part:
            sys.exit("paint: the connection was closed without an ACK")
        ack += part
    if b"|AA|" not in ack and b"|CA|" not in ack:
        sys.exit("paint: refused: " + repr(ack))
    return acc.encode()


try:
    if pump(30, lambda: b"STANNE" in seen) is None:
        sys.exit("paint: the console shows no study")
    pump(1.5, lambda: False)
    sender = socket.create_connection(("127.0.0.1", port))
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    took, missed = [], 0
    for n in range(count):
        seen.clear()
        acc = order(n, sender)
        since = time.monotonic()
        shown = pump(2, lambda: acc in escape.sub(b"", seen))
        if shown is None:
            missed += 1
        else:
            took.append((shown - since) * 1000)
        pump(0.15 + n * 0.037 % 0.2, lambda: False)
    took.sort()
    at = lambda q: round(took[min(len(took) - 1, int(len(took) * q))], 1) if took else None
    print(json.dumps(dict(n=len(took), missed=missed, p50=at(0.5), p95=at(0.95), max=at(1))))
finally:
    os.kill(pid, signal.SIGHUP)
    end = time.monotonic() + 3
    while time.monotonic() < end and not os.waitpid(pid, os.WNOHANG)[0]:
        try:
            if select.select([fd], [], [], 0.02)[0]:
                os.read(fd, 65536)
        except OSError:
            pass
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
