#!/usr/bin/python3
"""bad_agent.py SOCKET PUBKEY-FILE - an ssh-agent that holds one key and signs with zeros."""
import base64, os, socket, struct, sys

def string(b):
    return struct.pack(">I", len(b)) + b

blob = base64.b64decode(open(sys.argv[2]).read().split()[1])
door = socket.socket(socket.AF_UNIX)
door.bind(sys.argv[1])
door.listen(4)
answers = {
    11: b"\x0c" + struct.pack(">I", 1) + string(blob) + string(b"bad"),
    13: b"\x0e" + string(string(b"ssh-ed25519") + string(bytes(64))),
}
while True:
    peer, _ = door.accept()
    while True:
        head = peer.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            break
        body = peer.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL)
        peer.sendall(string(answers.get(body[0], b"\x05")))
