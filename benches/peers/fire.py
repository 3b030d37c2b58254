#!/usr/bin/env python3
"""Fire detection beside its peers, in one run: truth of made-up scenes, ratios of time, curves over the excess of heat.

usage: fire.py HESHAN WORK_DIR [--thermal DIR] [--jobs scene,curves,speed,tiles] [--runs 3]

scene   DIR/scene.tif, night.tif, truth.tif (bands coastal..swir2, 11 and 12 um; 1 flaming, 2 smouldering, 3 warm roof):
        precision and recall of each method; smouldering and roofs by day, by day and night, and the trade-off by day
curves  a made-up scene with slopes in the sun and a town: recall over the excess of heat at equal false alarms, the local
        anomaly against the mean of the image + k sigma
speed   Schroeder on DIR/scene.tif against uniform filters of SciPy over the whole scene (as an analyst would write it): the
        filters on arrays in memory against heshan's own clock for the same step (its summary's seconds of pixels and
        neighbours, one thread), and both with reading
tiles   a scene of 7,700 x 7,700 pixels and 7 bands (uint16, deflate) tiled from DIR/scene.tif: all three detectors against
        decoding its bands (GDAL by rasterio, all cores)
Needs (PyPI): numpy scipy rasterio.
"""
import argparse, json, os, resource, subprocess, time
import numpy as np, rasterio
from rasterio.transform import from_origin

ALL = "coastal=1,blue=2,green=3,red=4,nir=5,swir1=6,swir2=7,tir=8,tir2=9"
TIME = "2024-05-01T03:20:00Z"


def heshan(a, scene, *more, bands=ALL):
    out = f"{a.work}/o.csv"; t = time.perf_counter(); c = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run([a.heshan, "fire", "detect", scene, "--bands", bands, "--time", TIME, "-o", out, "--overwrite", "--json", *more], capture_output=True, text=True)
    t = time.perf_counter() - t; d = resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode: raise SystemExit(p.stderr)
    return json.loads(p.stdout)["scenes"][0], t, d.ru_utime + d.ru_stime - c.ru_utime - c.ru_stime


def mask(a):
    with rasterio.open(f"{a.work}/o_mask.tif") as f: return f.read(1)


def read(path, b=None):
    with rasterio.open(path) as f: return f.read(b)


def scene(a):
    d = a.thermal; t = read(f"{d}/truth.tif", 1); s = f"{d}/scene.tif"; night = f"{d}/night.tif"
    heshan(a, s, "--method", "schroeder,hotmap,goli,vote", "--saturation", "1.2"); m = mask(a)
    print("method      precision  recall (flaming; smouldering left aside)")
    for n, bit in (("schroeder", 1), ("hotmap", 2), ("goli", 4), ("vote", 8)):
        h = (m & bit) > 0; p = h & (t != 2)
        print(f"{n:10s}  {(p & (t == 1)).sum() / max(1, p.sum()):.4f}     {h[t == 1].mean():.4f}   false {int((h & (t == 0)).sum())}, roofs {int((h & (t == 3)).sum())}")
    r, *_ = heshan(a, s, "--method", "thermal", "--night", night, "--night-bands", "tir=1"); h = (mask(a) & 16) > 0
    print(f"thermal day + night: smouldering recall {h[t == 2].mean():.4f}, roofs {h[t == 3].mean():.4f}, flaming {h[t == 1].mean():.4f}, false {int((h & (t == 0)).sum())}")
    print("day alone: floor K, split K: smouldering recall, roofs, false pixels")
    for floor in (4, 5, 6, 7, 8, 10):
        heshan(a, s, "--method", "thermal", "--floor", str(floor)); h = (mask(a) & 16) > 0
        print(f"  {floor:4.1f}        {h[t == 2].mean():.4f}  {h[t == 3].mean():.4f}  {int((h & (t == 0)).sum())}")
    noisy = f"{a.work}/noisy.tif"
    for ne in (0.0, 0.05, 0.1):
        src = s
        if ne:
            src = noisy; g = np.random.default_rng(7)
            with rasterio.open(s) as f: x, prof = f.read(), f.profile
            x[7:9] += g.normal(0, ne, x[7:9].shape).astype("float32")
            with rasterio.open(noisy, "w", **prof) as f: f.write(x)
        for split in (0.03, 0.05, 0.08, 0.12):
            heshan(a, src, "--method", "thermal", "--floor", "4.5", "--split", str(split)); h = (mask(a) & 16) > 0
            print(f"  4.5  {split:.2f}  noise {ne} K  {h[t == 2].mean():.4f}  {h[t == 3].mean():.4f}  {int((h & (t == 0)).sum())}")
    plain(s, t)


def plain(s, t):
    """The window test of peers: mean + max(3 sd, 4 K) of 61 x 61."""
    from scipy.ndimage import uniform_filter as uf
    x = read(s).astype("float64"); b = {k: x[i] for i, k in enumerate((1, 2, 3, 4, 5, 6, 7, 10, 11))}
    w = (b[4] > b[5]) & (b[5] > b[6]) & (b[6] > b[7]) & (b[1] - b[7] < .2) & ((b[3] > b[2]) | (b[1] > b[2]) & (b[2] > b[3]) & (b[3] > b[4]))
    T = b[10]; bg = ~w; x0 = T[bg].mean(); bg &= ~(T > x0 + 2 * T[bg].std()); n = np.maximum(uf(bg.astype(float), 61, mode="constant"), 1e-9)
    v = np.where(bg, T - x0, 0); m = uf(v, 61, mode="constant") / n; sd = np.sqrt(np.maximum(uf(v * v, 61, mode="constant") / n - m * m, 0))
    for floor in (4, 5, 6, 7, 8, 10):
        h = (T - x0 - m > np.maximum(3 * sd, floor)) & ~w
        print(f"  plain window, floor {floor}: smouldering {h[t == 2].mean():.4f}, roofs {h[t == 3].mean():.4f}, false {int((h & (t == 0)).sum())}")


def hills(g, n):
    z = np.zeros((n, n)); f = np.fft.fftfreq(n); k = np.hypot(*np.meshgrid(f, f)); k[0, 0] = 1
    return np.real(np.fft.ifft2(np.fft.fft2(g.normal(size=(n, n))) * (k + 0.004) ** -2.2))


def curves(a):
    n, g = 1000, np.random.default_rng(11); z = hills(g, n); gy, gx = np.gradient(z); s = max(gx.std(), gy.std()); gx, gy = 0.35 * gx / s, 0.35 * gy / s
    norm = np.sqrt(1 + gx * gx + gy * gy); el, az = np.radians(55), np.radians(140)
    sun = (np.sin(el) - np.cos(el) * (gx * np.sin(az) - gy * np.cos(az))) / norm
    T = 300 + 14 * (sun - sun.mean()) - 0.5 * (z - z.mean()) / z.std() + 0.3 * g.normal(size=(n, n))
    town = np.hypot(*np.mgrid[-700:300, -300:700]) < 180; T[town] += 2.5 + 1.2 * np.abs(g.normal(size=int(town.sum())))
    lab = np.zeros((n, n), int); deltas = np.array([2, 3, 4, 5, 6, 8, 10, 12])
    for k in range(640):
        i, j = g.integers(20, n - 20, 2); d = deltas[k % 8]; h, w = g.integers(1, 3, 2)
        if (lab[i - 3:i + 5, j - 3:j + 5] > 0).any() or town[i, j]: continue
        lab[i:i + h, j:j + w] = d; T[i:i + h, j:j + w] += d
    p = f"{a.work}/slopes.tif"
    with rasterio.open(p, "w", driver="GTiff", width=n, height=n, count=1, dtype="float32", crs="EPSG:32648", transform=from_origin(600000, 4400040, 30, 30), tiled=True, compress="deflate") as f: f.write(T.astype("float32"), 1)
    print(f"slopes {T[lab == 0].std():.2f} K of spread, of it the town {int(town.sum())} px; fires {int((lab > 0).sum())} px\nfloor   false   precision | recall at excess " + " ".join(f"{d:5d}" for d in deltas) + "\n")
    z = (T - T.mean()) / T.std(); order = np.sort(z[lab == 0])[::-1]
    for floor in (1.5, 2, 2.5, 3, 4, 5):
        heshan(a, p, "--method", "thermal", "--temperature", "surface", "--floor", str(floor), bands="tir=1"); h = (mask(a) & 16) > 0
        false = int((h & (lab == 0)).sum()); rec = " ".join(f"{h[lab == d].mean():.3f}" for d in deltas)
        print(f"local {floor:3.1f}  {false:6d}  {h[lab > 0].sum() / max(1, h.sum()):.3f}     | {rec}")
        k = order[min(false, len(order) - 1)]; q = z > k; rec = " ".join(f"{q[lab == d].mean():.3f}" for d in deltas)
        print(f"mean + {k:.2f} sigma {int((q & (lab == 0)).sum()):6d}  {q[lab > 0].sum() / max(1, q.sum()):.3f} | {rec}")


def filters(x):
    """Schroeder as an analyst would write it, of bands in memory: windows by filters over the whole scene."""
    from scipy.ndimage import uniform_filter as uf
    b = {i + 1: x[i] for i in range(7)}; r = b[7] / b[5]; df = b[7] - b[5]
    sure = (r > 2.5) & (df > .3) & (b[7] > .5) | (b[6] > .8) & (b[1] < .2) & ((b[5] > .4) | (b[7] < .1))
    water = (b[4] > b[5]) & (b[5] > b[6]) & (b[6] > b[7]) & (b[1] - b[7] < .2) & ((b[3] > b[2]) | (b[1] > b[2]) & (b[2] > b[3]) & (b[3] > b[4]))
    pot = (r > 1.8) & (df > .17) & (b[7] / b[6] > 1.6) & ~sure; bg = ~(sure | water) & (b[7] > 0); w = uf(bg.astype("float64"), 61, mode="constant")
    def ms(v):
        v = np.where(bg, v, 0).astype("float64"); m = uf(v, 61, mode="constant") / np.maximum(w, 1e-9)
        return m, np.sqrt(np.maximum(uf(v * v, 61, mode="constant") / np.maximum(w, 1e-9) - m * m, 0))
    m7, s7 = ms(b[7]); mr, sr = ms(r); return int((sure | pot & (b[7] > m7 + np.maximum(3 * s7, .08)) & (r > mr + np.maximum(3 * sr, .8))).sum())


def timed(f, runs):
    out = []
    for _ in range(runs):
        c, t = time.process_time(), time.perf_counter(); v = f(); out.append((time.perf_counter() - t, time.process_time() - c, v))
    return sorted(out)[len(out) // 2]


def speed(a):
    s = f"{a.thermal}/scene.tif"; bands = list(range(1, 8)); x = read(s, bands)
    fw, fc, n = timed(lambda: filters(x), a.runs)
    dw, dc, _ = timed(lambda: read(s, bands), a.runs)
    all_ = [heshan(a, s, "--method", "schroeder", "--threads", "1", "--no-quicklook") for _ in range(a.runs)]
    mw, mc, px = sorted((t, u, r["hot_pixels"]) for r, t, u in all_)[a.runs // 2]
    step = sorted((r["seconds"]["pixels"] + r["seconds"]["neighbours"], r["seconds"]["pixels"], r["seconds"]["neighbours"]) for r, *_ in all_)[a.runs // 2]
    print(f"the step: filters {fw:.2f} s ({fc:.2f} CPU), {n} px; heshan, one thread {step[0]:.3f} s (pixels {step[1]:.3f}, neighbours {step[2]:.3f}), {px} px; ratio {fw / step[0]:.1f} wall, {fc / step[0]:.1f} of its CPU")
    print(f"files in, answers out: read and filter {fw + dw:.2f} s ({fc + dc:.2f} CPU); heshan, masks and looks written, {mw:.2f} s ({mc:.2f} CPU); ratio {(fw + dw) / mw:.1f} wall, {(fc + dc) / mc:.1f} CPU; reading alone (rasterio) {dw:.2f} s ({dc:.2f} CPU)")


def tiles(a):
    p = f"{a.work}/big"; os.makedirs(p, exist_ok=True); n = 7700
    if not os.path.exists(f"{p}/B7.tif"):
        with rasterio.open(f"{a.thermal}/scene.tif") as f:
            for k in range(7):
                v = np.clip(np.round((f.read(k + 1) + 0.1) / 2e-5), 1, 65535).astype("uint16"); v = np.tile(v, (3, 3))[:n, :n]
                with rasterio.open(f"{p}/B{k + 1}.tif", "w", driver="GTiff", width=n, height=n, count=1, dtype="uint16", nodata=0, crs="EPSG:32648", transform=from_origin(300000, 4500000, 30, 30), tiled=True, blockxsize=256, blockysize=256, compress="deflate", predictor=2) as o: o.write(v, 1)
        mtl = "GROUP = L1\n SPACECRAFT_ID = \"LANDSAT_8\"\n SUN_ELEVATION = 90\n DATE_ACQUIRED = 2024-05-01\n SCENE_CENTER_TIME = \"03:20:11\"\n LANDSAT_PRODUCT_ID = \"BIG\"\n"
        for k in range(1, 8): mtl += f" FILE_NAME_BAND_{k} = \"B{k}.tif\"\n REFLECTANCE_MULT_BAND_{k} = 2.0E-05\n REFLECTANCE_ADD_BAND_{k} = -0.1\n"
        open(f"{p}/BIG_MTL.txt", "w").write(mtl + "END_GROUP = L1\nEND\n")
    def decode():
        for k in range(1, 8): read(f"{p}/B{k}.tif", 1)
    os.environ["GDAL_NUM_THREADS"] = "ALL_CPUS"
    dw, dc, _ = timed(decode, a.runs)
    runs = []
    for _ in range(a.runs):
        r, t, u = detect(a, p)
        runs.append((t, u, r["hot_pixels"]))
    w = sorted(runs)[len(runs) // 2]
    print(f"decoding by GDAL, all cores: {dw:.2f} s ({dc:.2f} CPU); heshan, three detectors and vote, masks written: {w[0]:.2f} s ({w[1]:.2f} CPU), {w[2]} px; ratio {w[0] / dw:.2f} wall, {w[1] / dc:.2f} CPU")


def detect(a, folder):
    t = time.perf_counter(); c = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.run([a.heshan, "fire", "detect", folder, "-o", f"{a.work}/big.csv", "--overwrite", "--json", "--no-quicklook"], capture_output=True, text=True)
    t = time.perf_counter() - t; d = resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode: raise SystemExit(p.stderr)
    return json.loads(p.stdout)["scenes"][0], t, d.ru_utime + d.ru_stime - c.ru_utime - c.ru_stime


def main():
    ap = argparse.ArgumentParser(); ap.add_argument("heshan"); ap.add_argument("work"); ap.add_argument("--thermal"); ap.add_argument("--jobs", default="scene,curves,speed,tiles"); ap.add_argument("--runs", type=int, default=3)
    a = ap.parse_args(); os.makedirs(a.work, exist_ok=True)
    for j in a.jobs.split(","):
        print(f"== {j}"); dict(scene=scene, curves=curves, speed=speed, tiles=tiles)[j](a)


main()
