#!/usr/bin/python3
"""xwd2png.py IN.xwd OUT.png [X Y W H]: a frame buffer of Xvfb (XWD version 7, 24 or 32 bits) as PNG."""
import struct, sys, zlib

data = open(sys.argv[1], "rb").read()
head = struct.unpack(">25I", data[:100])
header, version, w, h, bits, line, colours = head[0], head[1], head[4], head[5], head[11], head[12], head[19]
lsb = head[7] == 0
assert version == 7 and bits == 32, (version, bits)
x0, y0, cw, ch = map(int, sys.argv[3:7]) if len(sys.argv) > 6 else (0, 0, w, h)
at, rows = header + colours * 12, []
for y in range(y0, min(h, y0 + ch)):
    row = data[at + y * line + x0 * 4:at + y * line + min(w, x0 + cw) * 4]
    b, g, r = (row[0::4], row[1::4], row[2::4]) if lsb else (row[3::4], row[2::4], row[1::4])
    out = bytearray(3 * len(r))
    out[0::3], out[1::3], out[2::3] = r, g, b
    rows.append(b"\0" + bytes(out))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


with open(sys.argv[2], "wb") as f:
    f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)))
    f.write(chunk(b"IDAT", zlib.compress(b"".join(rows), 6)) + chunk(b"IEND", b""))
