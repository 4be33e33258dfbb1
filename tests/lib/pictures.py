#!/usr/bin/python3
"""Speaks of images with a coordinator or an agent, for the end-to-end tests.

    pictures.py SOCKET LOGIN list ACCESSION             how many there are, and bytes; or the error's name
    pictures.py SOCKET LOGIN check ACCESSION IMAGES     fetches all, plain and from the middle, and compares with the store
    pictures.py SOCKET LOGIN fetch ACCESSION KEY        the error's name
    pictures.py SOCKET LOGIN export ACCESSION FOLDER    of an agent: images written, and missing
    pictures.py bus SOCKET N                            a system bus whose NetworkManager says Metered = N
    pictures.py uids FOLDER...                          the UIDs in DICOM files
    pictures.py study FOLDER                            the Study Instance UID of those
"""
import base64
import glob
import hashlib
import json
import os
import socket
import struct
import sys

from pydicom import dcmread


class Session:
    def __init__(self, path, login):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.number = 0
        if login:
            self.ask("hello", {"version": 1, "client": "pictures.py", "user": login, "bulk": True})

    def say(self, method, params, number=None):
        doc = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            doc["id"] = number
        self.socket.sendall((json.dumps(doc) + "\n").encode())

    def ask(self, method, params, data=None):
        self.number += 1
        self.say(method, params, self.number)
        for line in self.lines:
            doc = json.loads(line)
            if doc.get("id") == self.number:
                if "error" in doc:
                    print(doc["error"].get("data", {}).get("name", doc["error"]))
                    sys.exit(1)
                return doc["result"]
            if data and doc.get("method") == "image.data":
                data(doc["params"])
        sys.exit("the other end hung up")


def fetch(s, study, key, start):
    """The file from there on, not pressed."""
    got, piece = {}, {}

    def data(p):
        if "i" in p:
            assert p["i"] == key
            piece.update(at=p["at"], n=p["n"], of=p["of"], d=b"")
        else:
            assert p["o"] == len(piece["d"])
        part = base64.b64decode(p["d"])
        assert 0 < len(part) <= 12000
        piece["d"] += part
        s.say("bulk.credit", {"bytes": len(part)})
        if len(piece["d"]) == piece["of"]:
            assert piece["d"][0] == 0 and piece["of"] == piece["n"] + 1
            got[piece["at"]] = piece["d"][1:]

    s.ask("image.fetch", {"study": study, "images": [{"i": key, "from": start}], "credit": 65536, "press": False}, data)
    assert min(got) == start
    return b"".join(got[at] for at in sorted(got))


def check(s, study, images):
    listed, skip = [], 0
    while True:
        page = s.ask("image.list", {"study": study, "skip": skip, "max": 7})
        listed += page["images"]
        skip += len(page["images"])
        if skip >= page["n"] or not page["images"]:
            break
    assert len({o["i"] for o in listed}) == page["n"]
    for o in listed[:5]:
        with open(glob.glob("%s/study/*/%s/%s.dcm" % (images, o["s"], o["i"]))[0], "rb") as f:
            stored = f.read()
        assert len(stored) == o["size"] and hashlib.sha256(stored).hexdigest() == o["sha256"]
        assert fetch(s, study, o["i"], 0) == stored
        assert fetch(s, study, o["i"], 65536) == stored[65536:]


def bus(path, metered):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(8)
    while True:
        c, _ = server.accept()
        seen = b""
        while seen.count(b"Metered") < 1:
            more = c.recv(4096)
            if not more:
                break
            seen += more
        assert seen.startswith(b"\0AUTH EXTERNAL ") and b"BEGIN\r\n" in seen

        def reply(serial, to, body, signature):
            fields = struct.pack("<BBBBI", 5, 1, ord("u"), 0, to)
            fields += struct.pack("<BBBBBBB", 8, 1, ord("g"), 0, 1, ord(signature), 0)
            head = struct.pack("<BBBBIII", ord("l"), 2, 0, 1, len(body), serial, len(fields))
            return head + fields + b"\0" * (-len(fields) % 8) + body

        name = b":1.7"
        c.sendall(b"OK 0123456789abcdef\r\n" + reply(1, 1, struct.pack("<I", len(name)) + name + b"\0", "s") +
                  reply(2, 2, b"\1u\0\0" + struct.pack("<I", metered), "v"))
        c.close()


def main(args):
    if args[0] == "bus":
        bus(args[1], int(args[2]))
    elif args[0] == "uids":
        for folder in args[1:]:
            for name in glob.glob(folder + "/*.dcm"):
                d = dcmread(name, stop_before_pixels=True)
                print(d.StudyInstanceUID, d.SeriesInstanceUID, d.SOPInstanceUID, sep="\n")
    elif args[0] == "study":
        print(dcmread(sorted(glob.glob(args[1] + "/*.dcm"))[0], stop_before_pixels=True).StudyInstanceUID, end="")
    else:
        path, login, what, study, *rest = args
        s = Session(path, login)
        if what == "list":
            page = s.ask("image.list", {"study": study})
            print(page["n"], page["bytes"])
        elif what == "check":
            check(s, study, rest[0])
        elif what == "fetch":
            s.ask("image.fetch", {"study": study, "images": [{"i": rest[0]}], "credit": 1000})
        elif what == "export":
            r = s.ask("sync.images", {"study": study, "dir": os.path.realpath(rest[0])})
            print(r["images"], r["missing"])


main(sys.argv[1:])
