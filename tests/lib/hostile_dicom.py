#!/usr/bin/env python3
"""hostile_dicom.py - a sender that breaks the rules.

    hostile_dicom.py PORT WHAT [ARGUMENT]

Prints what came back: "rejected R/S/R", "status 0x....", "aborted", "closed", "echo ok".  WHAT:
    titles TEXT         associates with this calling AE title
    uid TEXT            sends an object with this SOP Instance UID in the command and in the data set
    study TEXT          ... this Study Instance UID in the data set
    mismatch            ... a data set with another SOP Instance UID than the command
    nested              ... a data set of 100,000 nested sequences
    bomb                ... a deflated data set of 300 KB that inflates to 300 MB
    random              ... random bytes
    escapes             ... a name full of escape sequences
    idle                associates and says nothing more
    half                ends the connection in the middle of an object
    dribble             an association request, byte by byte
    garbage             random bytes instead of a request
    huge                a PDU that says it has 4 GiB
    echoes              20,000 C-ECHOs without reading an answer
"""
import os
import random
import socket
import struct
import sys
import zlib

CT, VERIFY = b"1.2.840.10008.5.1.4.1.1.2", b"1.2.840.10008.1.1"
ELE, DEFLATED = b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.1.99"


def item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def request(calling=b"CT1", syntax=ELE):
    def context(n, cls):
        return item(0x20, bytes([n, 0, 0, 0]) + item(0x30, cls) + item(0x40, syntax))
    body = struct.pack(">HH", 1, 0) + b"WETREAD".ljust(16) + calling[:16].ljust(16) + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + context(1, CT) + context(3, VERIFY)
    body += item(0x50, struct.pack(">BBHI", 0x51, 0, 4, 65536))
    return struct.pack(">BBI", 1, 0, len(body)) + body


def read(s, n):
    out = b""
    while len(out) < n:
        more = s.recv(n - len(out))
        if not more:
            raise ConnectionError
        out += more
    return out


def pdu(s):
    kind, _, n = struct.unpack(">BBI", read(s, 6))
    return kind, read(s, n)


def even(b, pad=b"\0"):
    return b + pad if len(b) % 2 else b


def command(field, cls, instance=None, data=True):
    def el(e, v):
        return struct.pack("<HHI", 0, e, len(v)) + v
    body = el(2, even(cls)) + el(0x100, struct.pack("<H", field)) + el(0x110, struct.pack("<H", 1))
    body += el(0x800, struct.pack("<H", 0 if data else 0x101))
    if instance is not None:
        body += el(0x1000, even(instance))
    return el(0, struct.pack("<I", len(body))) + body


def data_pdu(context, flags, body):
    return struct.pack(">BBIIBB", 4, 0, len(body) + 6, len(body) + 2, context, flags) + body


def el(tag, vr, v):
    if isinstance(v, str):
        v = v.encode("latin-1")
    v = even(v, b"\0" if vr == b"UI" else b" ")
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    if vr in (b"OW", b"OB", b"SQ", b"UN"):
        return head + struct.pack("<HI", 0, len(v)) + v
    return head + struct.pack("<H", len(v)) + v


def data_set(instance, study=b"1.2.3", name=b"EVIL^SENDER", pixels=b"\0" * 512):
    return (el(0x00080016, b"UI", CT) + el(0x00080018, b"UI", instance) + el(0x00080060, b"CS", b"CT")
            + el(0x00100010, b"PN", name) + el(0x0020000D, b"UI", study) + el(0x0020000E, b"UI", b"1.2.3.1")
            + (el(0x7FE00010, b"OW", pixels) if pixels is not None else b""))


def answer(s):
    kind, body = pdu(s)
    if kind == 3:
        return "rejected %d/%d/%d" % tuple(body[1:4])
    if kind == 7:
        return "aborted"
    at = body.find(struct.pack("<HHI", 0, 0x900, 2))
    return "status 0x%04x" % struct.unpack("<H", body[at + 8:at + 10])


def associate(port, **kw):
    s = socket.create_connection(("127.0.0.1", port), timeout=20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(request(**kw))
    return s


def store(port, instance, body, syntax=ELE):
    s = associate(port, syntax=syntax)
    kind, reply = pdu(s)
    if kind != 2:
        return "rejected %d/%d/%d" % tuple(reply[1:4])
    s.sendall(data_pdu(1, 3, command(1, CT, instance)))
    for i in range(0, len(body), 60000):
        piece = body[i:i + 60000]
        s.sendall(data_pdu(1, 2 if i + 60000 >= len(body) else 0, piece))
    said = answer(s)
    if said.startswith("status"):
        s.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        pdu(s)
    return said


def bomb():
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    out = c.compress(data_set(b"1.2.3.4.900", pixels=None) + struct.pack("<HH2sHI", 9, 0x1001, b"OB", 0, 300 << 20))
    zeros = bytes(1 << 20)
    for _ in range(300):
        out += c.compress(zeros)
    return out + c.flush()


def idle(port):
    s = associate(port)
    pdu(s)
    try:
        return "aborted" if pdu(s)[0] == 7 else "closed"
    except ConnectionError:
        return "closed"


def half(port):
    s = associate(port)
    pdu(s)
    s.sendall(data_pdu(1, 3, command(1, CT, b"1.2.3.4.777")) + data_pdu(1, 0, data_set(b"1.2.3.4.777")))
    s.close()
    return "closed"


def dribble(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for b in request():
        s.sendall(bytes([b]))
    return "accepted" if pdu(s)[0] == 2 else "rejected"


def raw(port, body):
    s = socket.create_connection(("127.0.0.1", port), timeout=20)
    s.sendall(body)
    return answer(s)


def echoes(port):
    s = associate(port)
    pdu(s)
    one = data_pdu(3, 3, command(0x30, VERIFY, data=False))
    s.settimeout(3)
    try:
        s.sendall(one * 20000)
        for _ in range(20000):
            kind, _ = pdu(s)
            if kind != 4:
                return "aborted"
    except (ConnectionError, socket.timeout):
        return "closed"
    return "echo ok"


def main():
    port, what = int(sys.argv[1]), sys.argv[2]
    arg = os.fsencode(sys.argv[3]) if len(sys.argv) > 3 else b""
    rnd = random.Random(7)
    nested = struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    todo = {
        "titles": lambda: raw(port, request(calling=arg)),
        "uid": lambda: store(port, arg, data_set(arg)),
        "study": lambda: store(port, b"1.2.3.4.1", data_set(b"1.2.3.4.1", study=arg)),
        "mismatch": lambda: store(port, b"1.2.3.4.2", data_set(b"1.2.3.4.3")),
        "nested": lambda: store(port, b"1.2.3.4.4", data_set(b"1.2.3.4.4", pixels=None) + nested * 100000),
        "bomb": lambda: store(port, b"1.2.3.4.900", bomb(), syntax=DEFLATED),
        "random": lambda: store(port, b"1.2.3.4.5", rnd.randbytes(100000)),
        "escapes": lambda: store(port, b"1.2.3.4.6", data_set(b"1.2.3.4.6", study=b"1.2.3.9", name=b"EVIL\x1b]0;pwn\x07\x1b[2J^\x9b31mX\r\nINJ")),
        "idle": lambda: idle(port),
        "half": lambda: half(port),
        "dribble": lambda: dribble(port),
        "garbage": lambda: raw(port, rnd.randbytes(5000)),
        "huge": lambda: raw(port, struct.pack(">BBI", 1, 0, 0xFFFFFFFF) + bytes(100)),
        "echoes": lambda: echoes(port),
    }
    try:
        print(todo[what]())
    except ConnectionError:
        print("closed")


main()
