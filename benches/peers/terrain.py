#!/usr/bin/env python3
"""DEM volumes: `heshan terrain` beside xdem and plain NumPy on one pair with known volumes.

usage: terrain.py HESHAN DIR [--runs 3]    needs (PyPI): numpy, rasterio, xdem

DIR holds dem/before.tif, dem/after.tif (a pit partly filled, a dump partly cut; square, on a 2 m grid) and truth.json with
dem.fill_m3, dem.cut_m3. heshan: alignment, bias, noise, variogram, net volumes of pit and dump with uncertainty, rims,
slopes, verdicts, to CSV. xdem: read, subtract, NMAD, thresholded sums over the raster. NumPy: the same, its threshold given.
Each runs in a process of its own; median wall time, CPU seconds of the same run (user + system), peak memory.
"""
import argparse, json, math, os, statistics, subprocess, sys, tempfile, time

PY = {
    "xdem": """
import json, sys, time, numpy as np, xdem
t0 = time.process_time(); d = sys.argv[1]; a, b = xdem.DEM(d + "/dem/before.tif"), xdem.DEM(d + "/dem/after.tif"); dz = (b - a).data
import geoutils
nm = float((getattr(xdem.spatialstats, "nmad", None) or geoutils.stats.nmad)(dz)); dz = np.ma.filled(dz, 0); lod = 1.96 * nm
z = np.where(np.abs(dz) < lod, 0, dz).astype("float64"); print(json.dumps([float(z[z > 0].sum() * 4), float(-z[z < 0].sum() * 4), time.process_time() - t0]))
""",
    "numpy": """
import json, sys, time, numpy as np, rasterio
t0 = time.process_time(); d = sys.argv[1]; a, b = (rasterio.open(f"{d}/dem/{k}.tif").read(1) for k in ("before", "after")); dz = b - a
dz[(a == -9999) | (b == -9999)] = 0; z = np.where(np.abs(dz) < .5, 0, dz).astype("float64"); print(json.dumps([float(z[z > 0].sum() * 4), float(-z[z < 0].sum() * 4), time.process_time() - t0]))
""",
}


def polygons(path, n, x0, y0, cell):
    def circle(fx, fy, fr, name, kind):
        x, y, r = x0 + (n * fx + .5) * cell, y0 - (n * fy + .5) * cell, 1.1 * n * fr * cell
        p = [[x + r * math.cos(2 * math.pi * j / 360), y + r * math.sin(2 * math.pi * j / 360)] for j in range(360)]
        return dict(type="Feature", properties=dict(site_id=name, kind=kind), geometry=dict(type="Polygon", coordinates=[p + p[:1]]))
    crs = dict(type="name", properties=dict(name="urn:ogc:def:crs:EPSG::32648"))
    json.dump(dict(type="FeatureCollection", crs=crs, features=[circle(.3, .4, .10, "pit", "open_pit"), circle(.7, .6, .12, "dump", "waste_dump")]), open(path, "w"))


def timed(cmd):
    t, p = time.perf_counter(), subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = p.stdout.read(); _, status, u = os.wait4(p.pid, 0)
    if status: sys.exit(f"{cmd[0]} failed ({status})")
    return time.perf_counter() - t, u.ru_utime + u.ru_stime, u.ru_maxrss / 1024, out


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("heshan"); a.add_argument("dir"); a.add_argument("--runs", type=int, default=3); a = a.parse_args()
    t = json.load(open(a.dir + "/truth.json"))["dem"]
    import rasterio
    with rasterio.open(a.dir + "/dem/before.tif") as f: n, g = f.width, f.transform
    with tempfile.TemporaryDirectory() as d:
        polygons(d + "/p.geojson", n, g.c, g.f, g.a)
        ours = [a.heshan, "terrain", a.dir + "/dem/before.tif", a.dir + "/dem/after.tif", "--polygons", d + "/p.geojson", "-o", d + "/o.csv", "--overwrite", "--json"]
        jobs = {"heshan terrain": ours, **{k: [sys.executable, "-c", s, a.dir] for k, s in PY.items()}}
        print(f"{n} x {n} cells, load {os.getloadavg()[0]:.1f}\n{'':16}{'wall s':>8}{'CPU s':>8}{'of it after imports':>21}{'MiB':>7}  fill, cut against the truth")
        for name, cmd in jobs.items():
            rs = [timed(cmd) for _ in range(a.runs)]; w, c, m = (statistics.median(r[i] for r in rs) for i in range(3)); v = json.loads(rs[0][3]); core = c
            if not name.startswith("heshan"): core = statistics.median(json.loads(r[3])[2] for r in rs); v = v[:2]
            if name.startswith("heshan"):
                p = [x["measured"] for x in v["polygons"]]; v = [p[0]["net_m3"], -p[1]["net_m3"]]; h = [x["half_m3"] for x in p]
            note = ", ".join(f"{100 * (x / y - 1):+.3f} %" for x, y in zip(v, (t["fill_m3"], t["cut_m3"])))
            if name.startswith("heshan"): note += "  (stated: " + ", ".join(f"± {100 * x / y:.3f} %" for x, y in zip(h, v)) + ")"
            print(f"{name:16}{w:8.2f}{c:8.2f}{core:21.2f}{m:7.0f}  {note}")


main()
