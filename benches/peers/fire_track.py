#!/usr/bin/env python3
"""`heshan fire track` beside scikit-learn's DBSCAN on space and time.

usage: fire_track.py HESHAN [--points N] [--dir DIR] [--out JSON]

Makes N VIIRS-like detections over ten years: 2,500 places that burn for weeks to years (coal seams, dumps), seen up to four
times a day with the scatter of pixels, and fires of the steppe that are seen for a few days and move. heshan reads them as a
CSV and writes a GeoPackage. DBSCAN (min_samples 1, so that clusters are connected components, as heshan's fires are) gets an
array in memory: metres east and north over the reach, seconds over the gap; its time is that of `fit` alone.

Both link what lies within the reach of two pixels and within the gap of ten days; heshan's --relapse-days is set to the gap.
DBSCAN's neighbourhood is a ball in scaled space-time, heshan's a cylinder, which holds the ball: heshan links more, and has no
more fires than DBSCAN has clusters.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

REACH_M, GAP_DAYS = 2 * 0.5 * np.hypot(375.0, 375.0) + 15.0, 10.0
LON, LAT = 106.0, 39.5


def make(n, seed=7):
    """Metres east and north, and days, of n detections."""
    rng = np.random.default_rng(seed)
    days = 3650.0
    places = 2500
    at = rng.uniform(0, 300_000.0, (places, 2))
    start = rng.uniform(0, days, places)
    lasts = np.minimum(rng.lognormal(4.5, 1.2, places), days - start)
    steady = int(0.7 * n)
    which = rng.choice(places, steady, p=lasts / lasts.sum())
    t = start[which] + rng.uniform(0, 1, steady) * lasts[which]
    xy = at[which] + rng.normal(0, 180.0, (steady, 2))
    # fires of the steppe: some 40 detections in three days along a front
    fires = (n - steady) // 40
    size = np.full(fires, 40)
    size[: n - steady - 40 * fires] += 1
    f = np.repeat(np.arange(fires), size)
    k = len(f)
    t2 = rng.uniform(0, days, fires)[f] + rng.uniform(0, 3, k)
    heading = rng.uniform(0, 2 * np.pi, fires)[f]
    run = rng.uniform(0, 4000.0, k)
    xy2 = rng.uniform(0, 300_000.0, (fires, 2))[f] + np.column_stack([np.cos(heading), np.sin(heading)]) * run[:, None]
    xy, t = np.vstack([xy, xy2 + rng.normal(0, 150.0, (k, 2))]), np.concatenate([t, t2])
    # overpasses: minutes of four a day
    t = np.floor(t * 4) / 4 + 0.07
    order = np.argsort(t, kind="stable")
    return xy[order], t[order]


def lonlat(xy):
    lat = LAT + (xy[:, 1] - 150_000.0) / 111_000.0
    return LON + (xy[:, 0] - 150_000.0) / (111_320.0 * np.cos(np.radians(lat))), lat


def write_csv(path, xy, t):
    lon, lat = lonlat(xy)
    minutes = np.datetime64("2014-01-01T00:00") + np.round(t * 1440).astype("timedelta64[m]")
    with open(path, "w") as f:
        f.write("latitude,longitude,bright_ti4,scan,track,acq_date,acq_time,satellite,instrument,confidence,version,frp,daynight\n")
        for x, y, m in zip(lon, lat, np.datetime_as_string(minutes, unit="m")):
            f.write(f"{y:.5f},{x:.5f},330.0,0.375,0.375,{m[:10]},{m[11:13]}{m[14:16]},N20,VIIRS,n,2,3.0,D\n")


def dbscan(xy, t, result):
    """Run in a process of its own, so that its memory and time are its own."""
    from sklearn.cluster import DBSCAN

    scaled = np.column_stack([xy / REACH_M, t / GAP_DAYS])
    began, cpu = time.perf_counter(), time.process_time()
    labels = DBSCAN(eps=1.0, min_samples=1).fit(scaled).labels_
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"wall_s": wall, "cpu_s": cpu, "peak_mib": peak, "clusters": int(labels.max()) + 1}, open(result, "w"))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("heshan")
    p.add_argument("--points", type=int, default=1_000_000)
    p.add_argument("--dir")
    p.add_argument("--out")
    p.add_argument("--peer", help=argparse.SUPPRESS)
    a = p.parse_args()
    folder = a.dir or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    xy, t = make(a.points)
    if a.peer:
        return dbscan(xy, t, a.peer)
    table = os.path.join(folder, "points.csv")
    if not os.path.exists(table):
        write_csv(table, xy, t)
    import sklearn

    out = {"points": a.points, "cores": os.cpu_count(), "sklearn": sklearn.__version__, "numpy": np.__version__}
    for name, relapse in [("heshan", GAP_DAYS), ("heshan, relapse 730 days", 730.0)]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        done = subprocess.run(
            [a.heshan, "fire", "track", table, "-o", os.path.join(folder, "t.gpkg"), "--overwrite", "--json", "-q",
             "--gap-days", str(GAP_DAYS), "--relapse-days", str(relapse)],
            check=True, capture_output=True)
        wall = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = json.loads(done.stdout)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        out[name] = {"wall_s": wall, "cpu_s": cpu, "seconds": said["seconds"], "fires": said["tracks"], "detections": said["detections"]}
        print(name, json.dumps(out[name]), flush=True)
    result = os.path.join(folder, "dbscan.json")
    peer = subprocess.run([sys.executable, __file__, a.heshan, "--points", str(a.points), "--peer", result])
    out["dbscan"] = json.load(open(result)) if peer.returncode == 0 else {"failed": peer.returncode}
    print("dbscan", json.dumps(out["dbscan"]), flush=True)
    if peer.returncode == 0:
        h = out["heshan"]
        out["ratios"] = {
            "fit over linking, wall": out["dbscan"]["wall_s"] / h["seconds"]["linking"],
            "fit over linking and states, wall": out["dbscan"]["wall_s"] / (h["seconds"]["linking"] + h["seconds"]["states"]),
            "fit over the whole process, wall": out["dbscan"]["wall_s"] / h["wall_s"],
            "fit over the whole process, cpu": out["dbscan"]["cpu_s"] / h["cpu_s"],
        }
        print(json.dumps(out["ratios"], indent=1))
    if a.out:
        json.dump(out, open(a.out, "w"), indent=1)


if __name__ == "__main__":
    main()
