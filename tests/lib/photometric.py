#!/usr/bin/python3
"""photometric.py SOURCE.dcm OUT - the same picture in each way that PS3.3 C.7.6.3.1.2 has of writing grey and colour.

SOURCE is a grey CT slice of wetread-dcmgen; files of OUT are named after what is special in them.
"""
import copy
import sys

import numpy as np
import pydicom
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.pixel_data_handlers.util import convert_color_space

source, out = pydicom.dcmread(sys.argv[1]), sys.argv[2]
hu = source.pixel_array.astype(int) + int(source.RescaleIntercept)
grey = np.clip((hu + 100) * 255 // 300, 0, 255).astype(np.uint8)  # 8 bits that show a head
rgb = np.stack([grey, np.roll(grey, 20, 1) // 2, 255 - grey], axis=-1)
made = 0


def save(name, pixels, photometric, modality="OT", syntax=None, **more):
    """Grey is rows x columns, colour rows x columns x 3 or 3 x rows x columns; frames come before."""
    global made
    made += 1
    ds = copy.deepcopy(source)
    for gone in ("RescaleIntercept", "RescaleSlope", "RescaleType", "WindowCenter", "WindowWidth"):
        delattr(ds, gone)
    colour = photometric.startswith(("RGB", "YBR"))
    bits = pixels.dtype.itemsize * 8
    ds.Modality, ds.PhotometricInterpretation = modality, photometric
    ds.SamplesPerPixel, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 3 if colour else 1, bits, bits, bits - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.Rows, ds.Columns = hu.shape
    if colour:
        ds.PlanarConfiguration = 0
    for key, value in more.items():
        setattr(ds, key, value)
    ds.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "1.2.826.0.1.3680043.2.1143.50.%d" % made
    if syntax:
        ds.file_meta.TransferSyntaxUID = syntax
    correct_ambiguous_vr(ds, True)
    ds.save_as("%s/%s.dcm" % (out, name))


def palette(bits):
    """A table of 256 entries, of 8 or 16 bits: red falls, green and blue rise."""
    ramp = np.arange(256) * (257 if bits == 16 else 1)
    kind = np.uint16 if bits == 16 else np.uint8
    tables = {}
    for colour, values in (("Red", ramp[::-1]), ("Green", ramp), ("Blue", ramp // 2)):
        tables[colour + "PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        tables[colour + "PaletteColorLookupTableData"] = values.astype(kind).tobytes()
    return tables


save("monochrome1", (4095 - (hu + 1024)).astype(np.uint16), "MONOCHROME1", BitsStored=12, HighBit=11)
save("inverse", (hu + 1024).astype(np.uint16), "MONOCHROME2", BitsStored=12, HighBit=11, PresentationLUTShape="INVERSE")
save("signed", hu.astype(np.int16), "MONOCHROME2", "CT", RescaleSlope=1, RescaleIntercept=0, WindowCenter=40, WindowWidth=400)
save("sloped", ((hu + 1024) // 2).astype(np.uint16), "MONOCHROME2", "CT", RescaleSlope=2, RescaleIntercept=-1024,
     WindowCenter=40, WindowWidth=400)
junk = ((hu + 1024) & 0xFFF).astype(np.uint16)
junk[::7, ::5] |= 0xF000  # overlays of old were written above the bits that are stored
save("junk-above", junk, "MONOCHROME2", BitsStored=12, HighBit=11)
save("grey8", grey, "MONOCHROME2")
save("grey8-frames", np.stack([grey, grey[::-1], grey.T]), "MONOCHROME2", NumberOfFrames=3)
save("padded", np.where(hu <= -1000, -2000, hu).astype(np.int16), "MONOCHROME2", "CT", RescaleSlope=1, RescaleIntercept=0,
     PixelPaddingValue=-2000, WindowCenter=40, WindowWidth=400)
save("palette16", grey, "PALETTE COLOR", **palette(16))
save("palette8", grey, "PALETTE COLOR", **palette(8))
save("rgb", rgb, "RGB")
save("rgb-planes", np.moveaxis(rgb, -1, 0).copy(), "RGB", PlanarConfiguration=1)
save("rgb-frames", np.stack([rgb, rgb[::-1]]), "RGB", NumberOfFrames=2)
ybr = convert_color_space(rgb, "RGB", "YBR_FULL")
save("ybr-full", ybr, "YBR_FULL")
save("ybr-full-planes", np.moveaxis(ybr, -1, 0).copy(), "YBR_FULL", PlanarConfiguration=1)
halved = np.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], axis=-1)  # Y Y Cb Cr
save("ybr-422", halved, "YBR_FULL_422")
