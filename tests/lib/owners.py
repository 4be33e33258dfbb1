#!/usr/bin/env python3
"""Reads a journal's events and says whether what must be true of them is.

    owners.py JOURNAL ACKED    ACKED has a line "op method name" for each command that was answered

A study has one owner at most at any point; fencing numbers only grow; a command that was acknowledged is there, and there once.
"""
import collections
import json
import sqlite3
import sys


def events(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for (text,) in db.execute("SELECT json FROM event ORDER BY n"):
        yield json.loads(text)


def main(journal, acked):
    state, reader, fence = {}, {}, {}
    ops = collections.Counter()
    bad = []
    last = 0
    for e in events(journal):
        n, study, kind, d = e["n"], e.get("s"), e["k"], e.get("d", {})
        if n != last + 1:
            bad.append(f"event {n} comes after {last}")
        last = n
        if "op" in e:
            ops[e["op"], kind] += 1
        if not study or not kind.startswith("study."):
            continue
        if kind == "study.claimed" and state.get(study) == "reading" and reader.get(study) != d.get("reader"):
            bad.append(f"event {n}: study {study} is claimed by {d.get('reader')} while {reader[study]} reads it")
        if "fence" in d and d["fence"] <= fence.get(study, 0) and (d["fence"], kind) != (0, "study.ordered"):
            bad.append(f"event {n}: the fence of study {study} goes from {fence[study]} to {d['fence']}")
        state[study] = d.get("state", state.get(study))
        reader[study] = d["reader"] if "reader" in d else reader.get(study)
        fence[study] = d.get("fence", fence.get(study, 0))
    for (op, kind), times in ops.items():
        if times > 1 and "-" in op and kind in ("study.claimed", "study.noted", "study.released", "study.taken"):
            bad.append(f"{kind} of {op} is there {times} times")
    known = {op.rsplit("/", 1)[-1] for op, _ in ops}  # recorded as who/method/op
    answered = [line.split() for line in open(acked, encoding="ascii")]
    for op, method, name in answered:
        if op not in known:
            bad.append(f"{op} ({method}) was answered ({name}) and is not there")
    for line in bad[:20]:
        print(line)
    done = sum(name == "ok" for _, _, name in answered)
    print(f"{last} events, {len(answered)} answers, {done} of them done")
    return 1 if bad or not done else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
