#!/usr/bin/env python3
"""Speaks the coordinator's protocol on its local socket, for the end-to-end tests.

    talk.py SOCKET LOGIN METHOD [PARAMS-JSON]...   hello, then each request; prints each result, or error's data, a line
    talk.py SOCKET LOGIN --follow N                follows the queue; prints notices' methods, N of them

    storm(socket, people, studies, acked, stop)    see kill9.sh
"""
import json
import os
import random
import selectors
import socket
import sys
import time


def request(number, method, params):
    return (json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n").encode()


def hello(login):
    params = {"version": 1, "client": "talk.py"}
    if login:
        params["user"] = login
    return request(0, "hello", params)


def ask(path, login, pairs):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(path)
    s.sendall(hello(login) + b"".join(request(i + 1, m, p) for i, (m, p) in enumerate(pairs)))
    status = 0
    left = set(range(len(pairs) + 1))
    for line in s.makefile("rb"):
        doc = json.loads(line)
        if doc.get("id") not in left:
            continue
        left.remove(doc["id"])
        if "error" in doc:
            print(json.dumps(doc["error"].get("data")))
            status = 1
        elif doc["id"]:
            print(json.dumps(doc["result"]))
        if not left:
            break
    return status


def follow(path, login, wanted):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(path)
    s.sendall(hello(login) + request(1, "queue.follow", {}))
    for line in s.makefile("rb"):
        doc = json.loads(line)
        if "method" not in doc:
            continue
        print(doc["method"], json.dumps(doc["params"].get("k")), flush=True)
        wanted -= 1
        if not wanted:
            return 0
    return 1


class Console:
    """One person who does this and that, and asks again with the same op when the coordinator is gone."""

    def __init__(self, path, login, studies, acked, seed):
        self.path, self.login, self.studies, self.acked = path, login, studies, acked
        self.rng = random.Random(seed)
        self.socket, self.pending, self.serial, self.rest = None, {}, 0, b""

    def connect(self):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(self.path)
            s.setblocking(False)
            self.socket, self.rest = s, b""
            self.send(hello(self.login) + b"".join(self.pending.values()))
        except OSError:
            self.socket = None
            s.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            self.lose()

    def lose(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def act(self):
        if len(self.pending) >= 4 or not self.socket:
            return
        self.serial += 1
        method = self.rng.choice(["study.claim", "study.claim", "study.release", "study.note", "study.takeover"])
        op = f"{self.login}-{os.getpid()}-{self.serial}"
        params = {"op": op, "study": self.rng.randint(1, self.studies), "text": "x", "reason": "because", "reader": "okafor"}
        if method == "study.claim":
            params["tx"] = "tx-" + op
        line = request(self.serial, method, params)
        self.pending[self.serial] = line
        self.send(line)

    def hear(self):
        try:
            data = self.socket.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.lose()
            return
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            doc = json.loads(line)
            if doc.get("id") in self.pending:
                sent = json.loads(self.pending.pop(doc["id"]))
                name = doc["error"]["data"]["name"] if "error" in doc else "ok"
                self.acked.write(f"{sent['params']['op']} {sent['method']} {name}\n")
                self.acked.flush()


def storm(path, people, studies, acked_path, stop_path):
    with open(acked_path, "a", encoding="ascii") as acked:
        consoles = [Console(path, login, studies, acked, i) for i, login in enumerate(people)]
        deadline = None
        while True:
            stopping = os.path.exists(stop_path)
            if stopping and not any(c.pending for c in consoles):
                return 0
            if stopping:
                deadline = deadline or time.monotonic() + 20
                if time.monotonic() > deadline:
                    print("unanswered:", sum(len(c.pending) for c in consoles))
                    return 1
            ready = selectors.DefaultSelector()
            for c in consoles:
                if not c.socket:
                    c.connect()
                if c.socket and not stopping:
                    c.act()
                if c.socket:
                    ready.register(c.socket, selectors.EVENT_READ, c)
            if ready.get_map():
                for key, _ in ready.select(0.02):
                    key.data.hear()
            else:
                time.sleep(0.01)
            ready.close()


def main(args):
    if args[0] == "storm":
        return storm(args[1], args[2].split(","), int(args[3]), args[4], args[5])
    if args[2] == "--follow":
        return follow(args[0], args[1], int(args[3]))
    pairs, rest = [], args[2:]
    while rest:
        method = rest.pop(0)
        pairs.append((method, json.loads(rest.pop(0)) if rest and rest[0].startswith("{") else {}))
    return ask(args[0], args[1], pairs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
