#!/usr/bin/env python3
"""Two-date change beside its peers: the same pair of scenes, one table of ratios.

usage: raster.py PAIR [--runs 3] [--heshan PROGRAM] [--inflate PROGRAM] [--python PYTHON] [--jobs difference,count,...] [--dry]

PAIR is a folder with before.tif and after.tif (uint16; green, red, nir, swir1), as gen_raster.py --jobs pair makes them.
PYTHON needs numpy, scipy and rasterio; gdal_calc.py, gdal_polygonize.py and otbcli_MultivariateAlterationDetector come from
the system, and what is not there is left out. --inflate is the program of benches/inflate.rs (cargo bench --bench inflate
--no-run tells where). Each run is a process of its own; cases take turns; medians of wall and processor time (of the
process and of those it waited for), greatest peak memory. Writes docs/benchmarks.md (between the markers `raster`) and
benches/runs/<date>-raster.json; --dry prints only.
"""
import argparse
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
BANDS = ["--bands", "green=1,red=2,nir=3,swir1=4"]
PLAIN = ["--no-quicklook", "--no-overviews", "--overwrite"]


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("pair")
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--heshan", default=os.path.join(TARGET, "release", "heshan"))
    p.add_argument("--inflate", help="benches/inflate.rs, built")
    p.add_argument("--python", default=sys.executable)
    p.add_argument("--jobs", default="difference,count,mad,polygons")
    p.add_argument("--dry", action="store_true")
    return p.parse_args()


def measured(command):
    """Wall seconds, processor seconds, peak MiB and the last line of what one process said."""
    with tempfile.TemporaryFile() as out:
        clock = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - clock
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode().strip().splitlines()
    if child.returncode != 0:
        return None
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss / 1024, "said": said[-1] if said else ""}


def cases(o, work):
    """By job: name, command, and what is measured with it; heshan's first."""
    before, after = (os.path.join(o.pair, f"{n}.tif") for n in ("before", "after"))
    ours = [o.heshan, "change", before, after, *BANDS, "--json"]
    peer = lambda name, a=before: [o.python, os.path.join(HERE, "raster_jobs.py"), name, a, after, work]
    out = lambda n: os.path.join(work, n)
    there = shutil.which
    all_ = {
        "difference": [
            ("heshan", [*ours, *PLAIN, "-o", out("d.tif")], "float32, deflate, predictor 3"),
            ("heshan, with overviews", [*ours, "--no-quicklook", "--overwrite", "-o", out("v.tif")], "the same, cloud-optimised with overviews"),
            ("heshan, int16", [*ours, *PLAIN, "--type", "int16", "-o", out("i.tif")], "value × 10,000, deflate, predictor 2"),
            ("rasterio, by windows", peer("rasterio_difference"), "float32, deflate, predictor 3"),
            ("gdal_calc", peer("gdal_calc") if there("gdal_calc.py") else None, "float32, deflate, predictor 3"),
        ],
        "count": [
            ("heshan --count-only", [*ours, "--count-only"], "the same difference, nothing written"),
            ("libdeflate alone", [o.inflate, before, after] if o.inflate else None, "the same tiles inflated, nothing computed"),
        ],
        "mad": [
            ("heshan, one pass", [*ours, *PLAIN, "--method", "irmad", "--iterations", "1", "-o", out("m.tif")], "chi-square as float32, deflate"),
            ("Orfeo Toolbox", peer("otb_mad") if there("otbcli_MultivariateAlterationDetector") else None, "variates as float32, not compressed"),
            ("NumPy", peer("numpy_mad"), "counts, nothing written"),
        ],
        "polygons": [
            ("heshan, from the scenes", [*ours, *PLAIN, "--connectivity", "4", "--patches", out("p.gpkg")], "difference, patches with statistics, GeoPackage"),
            ("gdal_polygonize", peer("gdal_polygonize", out("classes.tif")) if there("gdal_polygonize.py") else None, "from ready classes, GeoPackage"),
        ],
    }
    return {j: [c for c in all_[j] if c[1]] for j in o.jobs.split(",")}


def answer(said):
    """The number of pixels that a case found changed, where it tells."""
    try:
        j = json.loads(said)
    except ValueError:
        return None
    if "directions" not in j:
        return j.get("answer")
    return j["directions"][0]["pixels"]


def run(o):
    rows = []
    with tempfile.TemporaryDirectory(dir=TARGET) as work:
        todo = cases(o, work)
        if "polygons" in todo:
            pair = [os.path.join(o.pair, f"{n}.tif") for n in ("before", "after")]
            subprocess.run([o.python, os.path.join(HERE, "raster_jobs.py"), "classes", *pair, os.path.join(work, "classes.tif")], check=True)
        for job, all_ in todo.items():
            results = {name: [] for name, *_ in all_}
            for _ in range(o.runs):
                for name, command, _ in all_:
                    m = measured(command)
                    if m is None:
                        print(f"{job}, {name}: failed", file=sys.stderr)
                    else:
                        results[name].append(m)
            found = set()
            for name, _, gives in all_:
                r = results[name]
                if not r:
                    continue
                n = answer(r[0]["said"])
                if job != "mad" and n is not None:
                    found.add(n)
                rows.append({
                    "job": job, "name": name, "gives": gives, "runs": len(r), "answer": n,
                    "wall": statistics.median(x["wall"] for x in r), "cpu": statistics.median(x["cpu"] for x in r),
                    "peak_mib": max(x["peak_mib"] for x in r),
                })
            if len(found) > 1:
                sys.exit(f"{job}: answers differ: {found}")
    return rows


def table(rows):
    lines = ["| job | | wall s | times heshan's | CPU s | times heshan's | peak MiB | pixels changed | runs | gives |", "|---|---|--:|--:|--:|--:|--:|--:|--:|---|"]
    for r in rows:
        first = next(x for x in rows if x["job"] == r["job"])
        lines.append(
            f"| {r['job']} | {r['name']} | {r['wall']:.2f} | {r['wall'] / first['wall']:.2f} | {r['cpu']:.2f} | {r['cpu'] / first['cpu']:.2f} "
            f"| {r['peak_mib']:.0f} | {r['answer'] if r['answer'] is not None else ''} | {r['runs']} | {r['gives']} |"
        )
    return "\n".join(lines)


def machine():
    text = open("/proc/cpuinfo").read()
    model = next((l.split(":", 1)[1].strip() for l in text.splitlines() if l.startswith("model name")), "unknown processor")
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def main():
    o = options()
    load = os.getloadavg()[0]
    rows = run(o)
    today = datetime.date.today().isoformat()
    busy = f" **The machine was busy** (load {load:.1f} before, {os.getloadavg()[0]:.1f} after): read the processor times." if max(load, os.getloadavg()[0]) > 3.5 else ""
    size = sum(os.path.getsize(os.path.join(o.pair, f"{n}.tif")) for n in ("before", "after"))
    text = (f"`benches/peers/raster.py`, {today}. {machine()}. Pair of {size / 1e6:.0f} MB in the page cache. "
            f"Median wall and processor time, greatest peak memory.{busy}\n\n{table(rows)}\n")
    print(text)
    if o.dry:
        return
    page = os.path.join(ROOT, "docs", "benchmarks.md")
    s = open(page).read()
    begin, end = "<!-- raster:begin -->", "<!-- raster:end -->"
    i, j = s.index(begin) + len(begin), s.index(end)
    open(page, "w").write(s[:i] + "\n" + text + s[j:])
    with open(os.path.join(ROOT, "benches", "runs", f"{today}-raster.json"), "w") as f:
        json.dump({"date": today, "machine": machine(), "load": load, "rows": rows}, f, indent=1)


if __name__ == "__main__":
    main()
