#!/usr/bin/python3
"""preview_check.py BUILD_DIR FILES_OR_FOLDERS... - each DICOM file alone through wetread-preview, against numpy.

For every file either the pictures are right (PSNR on the windowed 8 bits against pydicom's pixels, where pydicom has them),
or the manifest says why there are none; and wetread-preview ends with 0 whatever the file.
Prints a line a file; exits 1 if any is wrong.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from multiprocessing.pool import ThreadPool

import numpy as np
import pydicom
from pydicom.pixel_data_handlers.util import convert_color_space

warnings.simplefilter("ignore")
BUILD = sys.argv[1]
PSNR_LEAST = 24.0


def area(a, w, h):
    """Mean over areas: a is rows x columns (x channels)."""
    def one(a, n, axis):
        size = a.shape[axis]
        edges = np.arange(n + 1) * size / n
        total = np.concatenate([np.zeros_like(np.take(a, [0], axis)), np.cumsum(a, axis)], axis)
        lo = np.floor(edges).astype(int)
        part = edges - lo
        hi = np.minimum(lo + 1, size)
        shape = [1] * a.ndim
        shape[axis] = n + 1
        part = part.reshape(shape)
        at = np.take(total, lo, axis) * (1 - part) + np.take(total, hi, axis) * part
        return np.diff(at, axis=axis) * n / size
    return one(one(a.astype(float), h, 0), w, 1)


def others(path, work):
    """The same file without compression, by another program than the one that is likely to have been used."""
    out = os.path.join(work, "plain.dcm")
    for tool in (["dcmdjpeg"], ["dcmdjpls"], ["gdcmconv", "--raw", "--explicit"]):
        if subprocess.run(tool + [path, out], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode == 0:
            return out
    return None


def rescale(ds):
    for sequence in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in getattr(ds, sequence, [])[:1]:
            for t in getattr(group, "PixelValueTransformationSequence", []):
                return float(t.RescaleSlope), float(t.RescaleIntercept)
    return float(getattr(ds, "RescaleSlope", 1) or 1), float(getattr(ds, "RescaleIntercept", 0) or 0)


def reference(path, work=None):
    """Frames of values as we mean them, or None and why."""
    got = read(path)
    if got[0] is None and work and "handlers" in got[1] or got[0] is None and work and "transfer syntax" in got[1]:
        plain = others(path, work)
        if plain:
            again = read(plain)
            if again[0] is not None:
                return again
    return got


def read(path):
    try:
        ds = pydicom.dcmread(path, force=True)
    except Exception as e:  # pylint: disable=broad-except
        return None, "pydicom: %s" % type(e).__name__
    try:
        if not hasattr(ds.file_meta, "TransferSyntaxUID"):
            ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
        # 8 bits as OW are swapped in pairs when big endian (PS3.5 8.1.1), which pydicom 2 leaves as they are
        if ds.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRBigEndian and ds.BitsAllocated == 8 and ds["PixelData"].VR == "OW":
            ds.PixelData = np.frombuffer(ds.PixelData, np.uint16).byteswap().tobytes()
        a = ds.pixel_array
        if a.dtype.kind == "f":
            return None, "pydicom: floating point"
    except Exception as e:  # pylint: disable=broad-except
        return None, "pydicom: %s" % (str(e)[:50].replace("\n", " "))
    photo = getattr(ds, "PhotometricInterpretation", "")
    frames = int(getattr(ds, "NumberOfFrames", 1) or 1)
    if frames == 1 or a.ndim == (2 if ds.SamplesPerPixel == 1 else 3):
        a = a[np.newaxis]
    if photo == "PALETTE COLOR":
        a = pydicom.pixel_data_handlers.util.apply_color_lut(a, ds)
        return [f.astype(float) / 256 if f.max() > 255 else f for f in a], ds
    if ds.SamplesPerPixel == 3:
        if photo in ("YBR_FULL", "YBR_FULL_422"):
            a = np.stack([convert_color_space(f, photo, "RGB") for f in a]) if a.dtype == np.uint8 else a
        bits = ds.BitsStored
        return [(f.astype(np.int64) >> (bits - 8) if bits > 8 else f).astype(float) for f in a], ds
    a = a.astype(np.int64)
    bits = int(ds.BitsStored)
    if bits < int(ds.BitsAllocated):
        a &= (1 << bits) - 1
        if ds.PixelRepresentation == 1:
            a = np.where(a >> (bits - 1) & 1, a - (1 << bits), a)
    pad = getattr(ds, "PixelPaddingValue", None)
    slope, inter = rescale(ds)
    v = a * slope + inter
    if getattr(ds, "Modality", "") == "CT" and (slope != 1 or inter != 0 or "RescaleIntercept" in ds):
        v = np.clip(v, -1024, 3071)
        if pad is not None:
            v = np.where(a == pad, -1024, v)
    return list(v), ds


def window(v, width, level):
    width = max(width, 1.001)
    return np.clip(((v - (level - .5)) / (width - 1) + .5) * 255, 0, 255)


def psnr(a, b):
    mse = np.mean((a - b) ** 2)
    return 99.0 if mse == 0 else 10 * np.log10(255 * 255 / mse)


def check(path):
    work = tempfile.mkdtemp(prefix="wetread-pv.")
    try:
        src, out, raw = (os.path.join(work, n) for n in ("in", "out", "raw"))
        os.mkdir(src)
        os.mkdir(raw)
        shutil.copy(path, os.path.join(src, "x.dcm"))
        try:
            run = subprocess.run([BUILD + "/wetread-preview", "--identity-only", "", src, out], capture_output=True,
                                 text=True, timeout=120)
        except subprocess.TimeoutExpired:
            return False, "takes more than 120 s"
        if run.returncode:
            return False, "exit %d: %s" % (run.returncode, run.stderr[-200:])
        dump = subprocess.run([BUILD + "/tests/lib/pvwdump", out, raw], capture_output=True, text=True)
        if dump.returncode:
            return False, "cannot be read back: " + dump.stderr
        rows = dump.stdout.splitlines()
        if not rows:
            return True, "not DICOM"
        why = json.load(open(out + "/manifest.json"))["series"][0].get("why")
        if rows[0].startswith("#"):
            ref, ds = reference(path, work)
            says = "no picture: " + rows[0][2:]
            if ref is None or "malformed" in path:
                return True, says + (" (%s)" % ds if isinstance(ds, str) else "")
            return "no preview" in says, says + " (pydicom can)"
        ref, ds = reference(path, work)
        if ref is None:
            return True, "%d pictures, no reference (%s)" % (len(rows), ds)
        worst = 99.0
        for row in rows:
            n, place, total, w, h, ch, _inv, width, level = [float(x) for x in row.split()]
            v = np.fromfile("%s/%d-%d.raw" % (raw, n, place), np.int32).reshape([int(h), int(w)] + ([3] if ch == 3 else []))
            if int(place) > len(ref):
                return False, "frame %d of %d" % (place, len(ref))
            want = area(ref[int(place) - 1], int(w), int(h))
            if want.shape != v.shape:
                return False, "shape %s, not %s" % (v.shape, want.shape)
            if ch == 1:
                unit = 1.0
                slope = abs(float(getattr(ds, "RescaleSlope", 1) or 1))
                while slope * unit < 1 and getattr(ds, "Modality", "") != "CT":
                    unit *= 10
                a, b = window(v, width, level), window(want * unit, width, level)
            else:
                a, b = v, want
            # what is full of grain has little left of it in 4 KB: then the coarse picture must be right
            k = max(a.shape[:2]) // 64 or 1
            small = [area(x, max(1, a.shape[1] // k), max(1, a.shape[0] // k)) for x in (a, b)]
            worst = min(worst, max(psnr(a, b), psnr(*small)))
        return worst >= PSNR_LEAST, "%d pictures, PSNR %.1f%s" % (len(rows), worst, ", " + why if why else "")
    finally:
        shutil.rmtree(work)


def files(args):
    for a in args:
        if os.path.isdir(a):
            for folder, _, names in sorted(os.walk(a)):
                for n in sorted(names):
                    if not n.endswith((".md", ".json", ".txt", ".gz")):
                        yield os.path.join(folder, n)
        else:
            yield a


bad = total = 0
paths = list(files(sys.argv[2:]))
for f, (good, said) in zip(paths, ThreadPool(os.cpu_count()).imap(check, paths)):
    total += 1
    bad += not good
    print("%s %s: %s" % ("ok    " if good else "NOT OK", os.path.relpath(f, os.path.commonpath(sys.argv[2:])), said), flush=True)
print("%d files, %d wrong" % (total, bad))
sys.exit(bad > 0 or total == 0)
