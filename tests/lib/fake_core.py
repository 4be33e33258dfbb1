#!/usr/bin/env python3
"""fake_core.py - stands where wetreadd stands, for tests of an adapter.

    fake_core.py LOG [--mute] -- PROGRAM ARGUMENT...

Starts the program with its end of a socketpair as descriptor 3, appends every line it sends to LOG, and answers each
with an empty result (with --mute: never).  SIGTERM ends the program and then this one; the exit status is the program's.
"""
import json
import os
import signal
import socket
import subprocess
import sys

log, rest = sys.argv[1], sys.argv[2:]
mute = rest[0] == "--mute"
command = rest[rest.index("--") + 1:]
ours, theirs = socket.socketpair()


def start():
    def in_child():
        if theirs.fileno() != 3:
            os.dup2(theirs.fileno(), 3)
        else:
            os.set_inheritable(3, True)
    return subprocess.Popen(command, preexec_fn=in_child, close_fds=False)


ours.set_inheritable(False)
child = start()
theirs.close()
signal.signal(signal.SIGTERM, lambda *_: child.terminate())
with open(log, "a", buffering=1, encoding="utf-8") as out:
    print("started", child.pid, flush=True)
    try:
        for line in ours.makefile("r", encoding="utf-8", newline="\n"):
            out.write(line)
            if not mute:
                answer = {"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {}}
                ours.sendall(json.dumps(answer).encode() + b"\n")
    except (ConnectionError, BrokenPipeError):
        pass
sys.exit(child.wait() & 0xFF)
