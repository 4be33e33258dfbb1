#!/usr/bin/python3
"""rpc - a supervisor's holds and releases over the local socket: events for the queue, as many and as fast as wished.

    rpc.py SOCKET N SECONDS-BETWEEN [FIRST-STUDY]

0 seconds sends all at once.  Each command is awaited before the next is due otherwise; a refusal ends the run.
"""
import json, socket, sys, time

path, n, gap = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
first = int(sys.argv[4]) if len(sys.argv) > 4 else 1
s = socket.socket(socket.AF_UNIX)
s.connect(path)
f = s.makefile("rw", encoding="utf-8", newline="\n")


def ask(i, method, **params):
    f.write(json.dumps(dict(jsonrpc="2.0", id=i, method=method, params=params)) + "\n")


def answer():
    f.flush()
    r = json.loads(f.readline())
    if "error" in r:
        sys.exit("refused: " + json.dumps(r["error"]))


ask(0, "hello", version=1, client="bench", user="sup1")
answer()
due = time.monotonic()
for i in range(n):
    method = "study.hold" if i % 2 == 0 else "study.unhold"
    ask(i + 1, method, study=i // 2 % 40 + first, reason="TECH", op="bench-%d-%d" % (time.time_ns(), i))
    if gap:
        answer()
        due += gap
        time.sleep(max(0, due - time.monotonic()))
if not gap:
    for i in range(n):
        answer()
