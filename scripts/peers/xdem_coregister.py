#!/usr/bin/env python3
"""What xdem says of a shifted DEM (NMAD, Nuth & Kääb's shift): writes tests/fixtures/terrain/{before,after}.tif, xdem.json.

usage: xdem_coregister.py [OUT_DIR]    needs: numpy, rasterio, xdem (PyPI)

The DEM is a sum of waves, so that its height between cells is known; the later one lies 0.43 columns and -0.71 rows off,
1.5 m high, both with noise of 0.1 m (a part of it shared by neighbours), and with a pit dug that nobody told of.
"""
import json
import os
import sys

import numpy as np
import rasterio
import xdem
from rasterio.transform import from_origin

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../../tests/fixtures/terrain")
N, CELL, SHIFT, BIAS = 150, 5.0, (0.43, -0.71), 1.5


def height(c, r):
    x, y = CELL * c, CELL * r
    return 1100 + 30 * np.sin(x / 90) * np.cos(y / 70) + 12 * np.sin(x / 41 + y / 53) + 0.05 * x


def noise(rng):
    white = rng.normal(size=(N, N))
    wide = np.kron(rng.normal(size=(N // 10, N // 10)), np.ones((10, 10)))
    return 0.08 * white + 0.06 * wide


def main():
    rng = np.random.default_rng(20110315)
    r, c = np.mgrid[:N, :N] + 0.5
    before = height(c, r) + noise(rng)
    after = height(c - SHIFT[0], r - SHIFT[1]) + BIAS + noise(rng)
    after[40:60, 90:120] -= 8
    os.makedirs(OUT, exist_ok=True)
    for name, z in (("before", before), ("after", after)):
        with rasterio.open(f"{OUT}/{name}.tif", "w", driver="GTiff", width=N, height=N, count=1, dtype="int32", crs="EPSG:32648",
                           transform=from_origin(500000, 4400000, CELL, CELL), compress="deflate", predictor=2, nodata=-9999) as f:
            f.write(np.round(z * 1000).astype("int32"), 1)
            f.scales = (0.001,)
    as_read = [(np.round(z * 1000) / 1000).astype("float32") for z in (before, after)]
    dems = [xdem.DEM.from_array(z, from_origin(500000, 4400000, CELL, CELL), 32648, nodata=-9999) for z in as_read]
    d = dems[1].data - dems[0].data
    med = np.median(d)
    nk = xdem.coreg.NuthKaab().fit(dems[0], dems[1], random_state=1)
    m = nk.meta["outputs"]["affine"]
    import geoutils
    nmad = getattr(xdem.spatialstats, "nmad", None) or geoutils.stats.nmad
    json.dump({
        "made_by": f"xdem {xdem.__version__}, numpy {np.__version__}",
        "truth": {"cells": SHIFT, "bias_m": BIAS},
        # xdem tells what moves the later DEM back: east and north, metres
        "moves_back_m": [float(m["shift_x"]), float(m["shift_y"]), float(m["shift_z"])],
        "median_m": float(med),
        "nmad_m": float(nmad(np.asarray(d, dtype="float64"))),
    }, open(f"{OUT}/xdem.json", "w"), indent=1)
    print(open(f"{OUT}/xdem.json").read())


main()
