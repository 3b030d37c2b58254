#!/usr/bin/env python3
"""trend, monitor and zonal beside their peers: the same files, one run, ratios; and how often they are right.

usage: series.py DATA [--heshan PROGRAM] [--peers PEERS_RASTER.py] [--runs 3] [--only trend,monitor,zonal] [--no-peers]

DATA comes from gen_raster.py (../shared/peers); peers from peers_raster.py beside it, which report seconds without reading the
files (`_core`: the stack lies in memory) but for zonal. heshan runs from files to files, output and digests of the inputs
included. Seconds are medians of wall time; processor seconds (user + system) and greatest memory stand beside them.
Needs (PyPI): numpy rasterio; for the peers what peers_raster.py names.
"""
import argparse, datetime as dt, glob, json, os, re, resource, statistics, subprocess, sys, tempfile, time

import numpy as np, rasterio

HERE = os.path.dirname(os.path.abspath(__file__)); ROOT = os.path.dirname(os.path.dirname(HERE))
ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); ap.add_argument("data")
ap.add_argument("--heshan", default=os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release", "heshan"))
ap.add_argument("--peers", default=os.path.join(ROOT, "..", "shared", "peers", "peers_raster.py")); ap.add_argument("--runs", type=int, default=3)
ap.add_argument("--only", default="trend,monitor,zonal"); ap.add_argument("--no-peers", action="store_true"); a = ap.parse_args()


def timed(cmd):
    t = time.perf_counter(); p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True); out = p.stdout.read(); err = p.stderr.read()
    _, status, use = os.wait4(p.pid, 0)
    if status: raise SystemExit(f"{' '.join(cmd)}\n{err}")
    return time.perf_counter() - t, use.ru_utime + use.ru_stime, use.ru_maxrss / 1024, out


def ours(name, *more):
    with tempfile.TemporaryDirectory() as d:
        out = os.path.join(d, "o.csv" if "zonal" in more else "o.tif"); r = [timed([a.heshan, *more, "-o", out, "--json", "--overwrite"]) for _ in range(a.runs)]
        s, cpu, mib = (statistics.median(x[i] for x in r) for i in range(3)); print(f"heshan {name:<34}{s:8.2f} s wall {cpu:8.2f} s cpu {mib:7.0f} MiB", flush=True)
        with rasterio.open(out) if out.endswith("tif") else open(out) as f: return f.read()


def peers(*jobs):
    if a.no_peers: return
    for j in jobs:
        s, cpu, mib, out = timed([sys.executable, a.peers, a.data, "--one", j]); r = json.loads(out.strip().splitlines()[-1])
        print(f"peer   {j:<34}{r['s']:8.2f} s wall {cpu:8.2f} s cpu {r['mib']:7.0f} MiB  {r['note']}", flush=True)


looks = sorted(glob.glob(f"{a.data}/series/ndvi_*.tif")); truth = json.load(open(f"{a.data}/truth.json")); scale = ["--scale", "0.0001", "--no-quicklook"]
with rasterio.open(f"{a.data}/series/truth.tif") as f: lab = f.read(1)
if "trend" in a.only:
    for season in ("plain", "harmonic", "seasonal"):
        b = ours(f"trend --season {season}", "trend", *looks, *scale, "--season", season); sl, p = b[0], b[1]; ok = sl > -9000
        med = {k: round(float(np.median(sl[(lab == k) & ok])), 5) for k in (0, -1, -2)}
        print(f"       median slope {med}; p < 0.05 among stable pixels {np.mean(p[(lab == 0) & ok] < .05):.4f}, among trends {np.mean(p[(lab < 0) & ok] < .05):.4f}", flush=True)
    b = ours("trend --composite median", "trend", *looks, *scale, "--composite", "median"); ok = b[0] > -9000
    print(f"       p < 0.05 among stable pixels {np.mean(b[1][(lab == 0) & ok] < .05):.4f}, among trends {np.mean(b[1][(lab < 0) & ok] < .05):.4f}")
    peers("trend.numba_core", "trend.pymk_sample_core")
if "monitor" in a.only:
    start = str(dt.date.fromisoformat(truth["series"]["history_end"]) + dt.timedelta(1)); e = dt.date(1970, 1, 1)
    days = np.array([(dt.datetime.strptime(f[-12:-4], "%Y%m%d").date() - e).days for f in looks]); first = (dt.date.fromisoformat(truth["series"]["start"]) - e).days
    for name, more in (("--order 2", ["--order", "2"]), ("(order 3)", []), ("--order 2 --history roc", ["--order", "2", "--history", "roc"]), ("--order 2 --convention nrt", ["--order", "2", "--convention", "nrt"]),
                       ("cusum --order 2", ["--method", "cusum", "--order", "2"]), ("ewma --order 2", ["--method", "ewma", "--order", "2"])):
        b = ours(f"monitor {name}", "monitor", *looks, *scale, "--start", start, *more); hit = b[2] == 1; pos = lab > 0; use = lab >= 0
        tp = (hit & pos & use).sum(); P, R = tp / (hit & use).sum(), tp / (pos & use).sum()
        # clear looks from the break to the day it was found: the looks of each pixel that were seen
        i, j = np.nonzero(hit & pos); late = np.zeros(len(i), int); lag = np.zeros(len(i), int)
        seen = np.stack([rasterio.open(f).read(1)[i, j] != -32768 for f, d in zip(looks, days) if d >= (dt.date.fromisoformat(start) - e).days]); dd = days[days >= (dt.date.fromisoformat(start) - e).days]
        since = (seen & (dd[:, None] >= first + lab[i, j]) & (dd[:, None] <= b[3][i, j])).sum(0)
        print(f"       P {P:.3f} R {R:.3f} F1 {2 * P * R / (P + R):.4f}; found at the 1st/2nd/3rd clear look {[round(float(np.mean(since == k)), 3) for k in (1, 2, 3)]}, before it {np.mean(since == 0):.4f}", flush=True)
    peers("monitor.nrt_mosum_core", "monitor.nrt_cusum_core", "monitor.nrt_ewma_core")
if "zonal" in a.only:
    text = ours("zonal, band 3", "zonal", f"{a.data}/pair/before.tif", "--band", "3", "--zones", f"{a.data}/zones.fgb"); rows = text.lstrip("\ufeff").splitlines(); h = rows[0].split(",")
    col = lambda n: np.array([float(r.split(",")[h.index(n)] or "nan") for r in rows[1:]]); print(f"       sum of means {np.nansum(col('mean')):.3f}, count {col('count').sum():.2f}")
    peers("zonal.exactextract_fs", "zonal.exactextract_rs")
