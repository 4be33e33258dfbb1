#!/usr/bin/python3
"""ptycount - runs a terminal program on a pty of its own and counts what it writes.

    ptycount.py [--size 80x24] [--ready TEXT] [--idle SECONDS] [--keys jjjk...] [--gap SECONDS] -- COMMAND...

Phases: start (until TEXT was written, then 350 ms of quiet), idle (SECONDS without a key), keys (each key, then quiet).
Prints one JSON object:
    start   bytes, writes, first_ms (to the first byte), paint_ms (to the last byte of the first paint)
    idle    seconds, bytes, writes; with --link PORT also ip_bytes, segments: what came to this machine by TCP from that port,
            headers of 52 bytes a segment included, as the kernel counted it
    rss_kb  what the program had resident at the end
    keys    for each key: bytes, writes, first_ms and last_ms (from the key to the first and last byte it caused)
A write here is what one read(2) of the pty gave, which is one write(2) of the program unless it was cut.
Escape sequences are not interpreted.  The program is ended by SIGHUP, as when a terminal closes, and by its own pid.
"""
import argparse, fcntl, json, os, pty, re, select, signal, struct, subprocess, sys, termios, time

QUIET = 0.35


def arguments():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--size", default="80x24")
    p.add_argument("--ready", default="")
    p.add_argument("--idle", type=float, default=0)
    p.add_argument("--keys", default="")
    p.add_argument("--gap", type=float, default=0.3)
    p.add_argument("--limit", type=float, default=60, help="seconds for the start")
    p.add_argument("--link", type=int, help="port of the server a connection goes to")
    p.add_argument("--term", default="xterm-256color")
    if "--" not in sys.argv:
        sys.exit(__doc__)
    cut = sys.argv.index("--")
    return p.parse_args(sys.argv[1:cut]), sys.argv[cut + 1:]


class Terminal:
    def __init__(self, command, size, term):
        columns, rows = (int(n) for n in size.split("x"))
        packed = struct.pack("HHHH", rows, columns, 0, 0)
        self.seen = bytearray()
        self.began = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, packed)
            for name in ("LINES", "COLUMNS", "TMUX", "STY", "SSH_CONNECTION", "MOSH_SERVER_PID", "NO_COLOR", "COLORTERM"):
                os.environ.pop(name, None)
            os.environ.update(TERM=term, LC_ALL="C.UTF-8")
            try:
                os.execvp(command[0], command)
            except OSError as e:
                print(f"{command[0]}: {e.strerror}")
            os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, packed)

    def gather(self, until, enough=None):
        """What comes until then, or until enough() holds: a list of (time, bytes)."""
        got = []
        while True:
            left = until - time.monotonic()
            if left <= 0 or (enough and enough(got)):
                return got
            if not select.select([self.fd], [], [], min(left, 0.02 if enough else left))[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                raise SystemExit(f"ptycount: the program ended; its last words:\n{self.seen[-600:].decode(errors='replace')}")
            got.append((time.monotonic(), len(data)))
            self.seen += data

    def end(self):
        for sig, wait in ((signal.SIGHUP, 2.0), (signal.SIGKILL, 2.0)):
            try:
                os.kill(self.pid, sig)
            except ProcessLookupError:
                pass
            limit = time.monotonic() + wait
            while time.monotonic() < limit:
                try:
                    if os.waitpid(self.pid, os.WNOHANG)[0]:
                        return
                    select.select([self.fd], [], [], 0.01)
                    os.read(self.fd, 65536)
                except (OSError, ChildProcessError):
                    pass


def link(port):
    """Bytes and segments received so far over connections to this port."""
    told = subprocess.run(["ss", "-tinH", "state", "established", f"( dport = :{port} )"], capture_output=True, text=True, check=True).stdout
    sums = [sum(int(n) for n in re.findall(rf"\b{name}:(\d+)", told)) for name in ("bytes_received", "segs_in")]
    return dict(bytes=sums[0], segments=sums[1])


def total(got):
    return dict(bytes=sum(n for _, n in got), writes=len(got))


def main():
    opt, command = arguments()
    t = Terminal(command, opt.size, opt.term)
    ready = opt.ready.encode()
    settled = lambda got: got and ready in t.seen and time.monotonic() - got[-1][0] > QUIET
    try:
        got = t.gather(time.monotonic() + opt.limit, settled)
        if ready not in t.seen:
            raise SystemExit(f"ptycount: {opt.ready!r} was not written within {opt.limit:g} s")
        ms = lambda when, since: round((when - since) * 1000, 2)
        result = dict(start=dict(total(got), first_ms=ms(got[0][0], t.began), paint_ms=ms(got[-1][0], t.began)))
        if opt.idle:
            before = link(opt.link) if opt.link else None
            result["idle"] = dict(total(t.gather(time.monotonic() + opt.idle)), seconds=opt.idle)
            if opt.link:
                after = link(opt.link)
                segments = after["segments"] - before["segments"]
                result["idle"].update(segments=segments, ip_bytes=after["bytes"] - before["bytes"] + 52 * segments)
        keys = []
        for key in opt.keys:
            since = time.monotonic()
            os.write(t.fd, key.encode())
            got = t.gather(since + opt.gap)
            times = dict(first_ms=ms(got[0][0], since), last_ms=ms(got[-1][0], since)) if got else {}
            keys.append(dict(key=key, **total(got), **times))
        if keys:
            result["keys"] = keys
        with open(f"/proc/{t.pid}/status") as f:
            result["rss_kb"] = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        print(json.dumps(result))
    finally:
        t.end()


main()
