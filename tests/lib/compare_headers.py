#!/usr/bin/python3
"""compare_headers.py - the header reader against pydicom, value by value.

    compare_headers.py DCMFACTS FACT-TABLE FILE...

Prints each difference, and a last line "N values of M files, D differences".  A file that pydicom can't read is only
read by us (it must not do harm).  Where the two are known to differ and pydicom is the one that is wrong or says less,
the rule stands in this file with its reason.
"""
import json
import re
import subprocess
import sys
import warnings

import pydicom
from pydicom.tag import Tag

warnings.simplefilter("ignore")
pydicom.config.settings.reading_validation_mode = 0 if hasattr(pydicom.config, "settings") else None

ROW = re.compile(r"^FACT\(0x([0-9a-f]{8}), (\w\w), (\w+), +(\w+), +(\w+),")


def rows(path):
    with open(path, encoding="utf-8") as f:
        return [(int(m[1], 16), m[2], m[3], m[4], m[5]) for m in map(ROW.match, f) if m]


def controls(s):
    out = []
    for c in s:
        o = ord(c)
        if 9 <= o <= 13:
            out.append(" ")
        elif o >= 32 and not 127 <= o <= 159:
            out.append(c)
    return "".join(out)


def in_groups(ds, tag):
    for seq in (0x52009229, 0x52009230):
        if Tag(seq) not in ds:
            continue
        for item in ds[Tag(seq)].value or []:
            for elem in item:
                if elem.VR == "SQ":
                    for sub in elem.value or []:
                        if Tag(tag) in sub:
                            return sub[Tag(tag)]
    return None


def element(ds, tag, where):
    if where == "META":
        return ds.file_meta[Tag(tag)] if getattr(ds, "file_meta", None) and Tag(tag) in ds.file_meta else None
    if Tag(tag) in ds:
        return ds[Tag(tag)]
    return in_groups(ds, tag) if where == "FRAME" else None


def values(v):
    if v is None:
        return []
    return list(v) if isinstance(v, (list, pydicom.multival.MultiValue)) else [v]


def texts(elem, kind):
    v = values(elem.value)
    if kind == "PERSON":
        v = [str(x) for x in v]
        return "\\".join(v)
    return "\\".join("" if x is None else str(x) for x in v)


def wanted(ds, tag, vr, kind, where):
    elem = element(ds, tag, where)
    if elem is None or elem.value is None:
        return None
    if kind == "REALS":
        out = []
        for x in values(elem.value)[:6]:
            try:
                x = float(x)
                if x != x or x in (float("inf"), float("-inf")):
                    break  # no number that anything could be computed with
                out.append(x)
            except (TypeError, ValueError):
                break
        return out or None
    if kind == "INT":
        v = values(elem.value)
        try:
            return int(v[0]) if v and float(v[0]) == int(float(v[0])) else None
        except (TypeError, ValueError):
            return None
    s = texts(elem, kind)
    if kind == "DATE":
        m = re.match(r"^(\d{4})\.?(\d\d)\.?(\d\d)$", s.strip())
        return "-".join(m.groups()) if m and 1 <= int(m[2]) <= 12 and 1 <= int(m[3]) <= 31 else None
    if kind in ("CODE", "UID", "TIME"):
        s = "".join(c if ord(c) < 128 else "?" for c in s if ord(c) >= 32 and ord(c) != 127)
        return s.strip() or None
    return controls(s).rstrip(" \0") or None


def same(kind, a, b):
    if kind == "REALS" and a and b:
        return len(a) == len(b) and all(abs(x - y) <= 1e-9 * max(1, abs(y)) for x, y in zip(a, b))
    return a == b


def main():
    tool, table, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    facts = rows(table)
    lines = subprocess.run([tool, *files], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    n = nfiles = bad = 0
    for path, line in zip(files, lines):
        ours = json.loads(line)
        try:
            ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)
            ds.decode()
        except Exception:  # what pydicom makes of broken files is not our business
            continue
        if not ds or Tag(0x0020000D) not in ds and Tag(0x00080060) not in ds:
            continue
        nfiles += 1
        for tag, vr, name, kind, where in facts:
            try:
                theirs = wanted(ds, tag, vr, kind, where)
            except Exception:
                continue
            mine = ours.get(name)
            if theirs is None and mine is None:
                continue
            if mine is None and ours.get("trouble"):
                continue  # behind the place where the file breaks off
            if vr == "XS" and ours.get("is_signed") == 1 and isinstance(theirs, int) and theirs > 32767:
                theirs -= 65536  # declared as US although pixel values have a sign
            n += 1
            if not same(kind, mine, theirs):
                bad += 1
                print(f"{path}: {name}: {mine!r}, pydicom {theirs!r}")
    print(f"{n} values of {nfiles} files, {bad} differences")
    sys.exit(bad != 0)


main()
