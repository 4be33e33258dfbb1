#!/usr/bin/env python3
"""Writes src/base/width_int.h: the code points that take no column, and those that take two.

Two columns: East_Asian_Width W or F (UAX #11).  None: Mn, Me and Cf but for those
that are drawn, Hangul medial and final jamo.
Neighbours of one width are merged across unassigned code points, so that a younger
Unicode mostly fits too.
"""
import unicodedata as u

# Format characters with a shape of their own: soft hyphen, number and abbreviation signs, hieroglyph joiners.
DRAWN = {0xAD, 0x6DD, 0x70F, 0x8E2, 0x110BD, 0x110CD, *range(0x600, 0x606), *range(0x890, 0x892), *range(0x13430, 0x13439)}

def width(cp):
    c = chr(cp)
    cat = u.category(c)
    if 0xD800 <= cp < 0xE000:
        return 1
    if 0x1160 <= cp <= 0x11FF or 0xD7B0 <= cp <= 0xD7FF:
        return 0
    if cat in ("Mn", "Me"):
        return 0
    if cat == "Cf":
        return 1 if cp in DRAWN else 0
    if cat == "Cn":  # UAX #11: unassigned is wide only where ideographs will come
        return 2 if 0x20000 <= cp <= 0x2FFFD or 0x30000 <= cp <= 0x3FFFD else None
    return 2 if u.east_asian_width(c) in "WF" else 1


def ranges(want):
    out, start, last = [], None, None
    for cp in range(0x110000):
        w = width(cp)
        if w == want:
            start, last = (cp if start is None else start), cp
        elif w is not None and start is not None:
            out.append((start, last))
            start = None
    return out + ([(start, last)] if start is not None else [])


print("/* Made by tools/width.py from Unicode %s; not edited by hand. */" % u.unidata_version)
print("/* clang-format off */")
for name, want in (("zero", 0), ("wide", 2)):
    print("static const struct range %s[] = {" % name)
    row = ["{0x%x, 0x%x}," % r for r in ranges(want)]
    for i in range(0, len(row), 5):
        print("\t" + " ".join(row[i:i + 5]))
    print("};")
