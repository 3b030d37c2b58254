#!/usr/bin/env python3
"""heshan beside its peers: the same files, every answer checked, one table of ratios.

usage: run.py [--sites 100000] [--river-vertices N] [--runs 3] [--peers tiled,geopandas,...] [--data DIR]
              [--heshan PROGRAM] [--repeat-below 120] [--limit 900] [--dry]

Data comes from ../shared/peers/gen_vector.py where that is there, else from generate.py, and is kept in
<target>/bench-data. Each run is a process of its own; peers take turns; medians of the wall time, greatest peak memory.
A peer that took longer than --repeat-below seconds is not run again, one that takes longer than --limit is stopped.
Writes docs/benchmarks.md (between the markers `peers`) and benches/runs/<date>-peers.json; --dry prints only.
Ends with 1 where an answer differs.
"""
import argparse
import datetime
import importlib.metadata
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
SHARED = os.path.join(ROOT, "..", "shared", "peers", "gen_vector.py")
OURS = {"heshan, planar": ["--metric", "planar"], "heshan, geodesic": []}
NEEDS = {"tiled": "shapely", "geopandas": "geopandas", "sedonadb": "sedonadb", "duckdb": "duckdb"}
WHAT = {
    "heshan, planar": "files: distance, area, shape inside, river, chainage, bank, score",
    "heshan, geodesic": "the same, on the ellipsoid",
    "tiled": "numbers: distance, area",
    "geopandas": "numbers: distance, area",
    "sedonadb": "numbers: area",
    "duckdb": "numbers: area",
}


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sites", type=int, default=100_000)
    p.add_argument("--river-vertices", type=int, help="default: 5 a site, at most 200,000")
    p.add_argument("--distance", type=float, default=3000)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--peers", default=",".join(NEEDS), help="beside heshan")
    p.add_argument("--data", help="a folder with rivers.fgb and sites.fgb, instead of making them")
    p.add_argument("--heshan", default=os.path.join(TARGET, "release", "heshan"))
    p.add_argument("--repeat-below", type=float, default=120, metavar="S")
    p.add_argument("--limit", type=float, default=900, metavar="S")
    p.add_argument("--dry", action="store_true")
    return p.parse_args()


def data(o):
    if o.data:
        return o.data
    vertices = o.river_vertices or min(200_000, 5 * o.sites)
    maker = SHARED if os.path.exists(SHARED) else os.path.join(HERE, "generate.py")
    name = "shared" if maker == SHARED else "own"
    folder = os.path.join(TARGET, "bench-data", f"peers-{name}-{o.sites}-{vertices}")
    if not os.path.exists(folder):
        part = folder + ".part"
        shutil.rmtree(part, ignore_errors=True)
        numbers = ["--sites", str(o.sites), "--river-vertices", str(vertices)]
        subprocess.run([sys.executable, maker, part, *numbers], check=True)
        os.rename(part, folder)
    return folder


def measured(command, limit):
    """Wall seconds, processor seconds, peak MiB, exit code (None: stopped) and what it said, of one process."""
    with tempfile.TemporaryFile() as said:
        clock = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            wall = time.perf_counter() - clock
            if pid:
                break
            if wall > limit:
                child.kill()
                _, _, usage = os.wait4(child.pid, 0)
                status = None
                break
            time.sleep(0.002)
        child.returncode = 0  # it was waited for here
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    code = None if status is None else os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    said = lines[-1] if lines else "no message"
    return {"wall": wall, "cpu": cpu, "peak_mib": usage.ru_maxrss / 1024, "code": code, "said": said}


class Runs:
    def __init__(self, o, folder, work):
        self.o, self.work = o, work
        self.rivers, self.sites = (os.path.join(folder, f) for f in ["rivers.fgb", "sites.fgb"])
        self.all = {}
        self.failed = {}

    def answer(self, peer):
        return os.path.join(self.work, f"{peer}.json")

    def screened(self, name):
        return os.path.join(self.work, name.replace(", ", "-") + ".fgb")

    def command(self, name):
        distance = f"{self.o.distance:g}"
        if name in OURS:
            out = ["--lists", "none", "--layers", "sites,clipped", "--overwrite", "--quiet", "-o", self.screened(name)]
            inputs = ["--rivers", self.rivers, "--sites", self.sites, "--distance", distance]
            return [self.o.heshan, "screen", *inputs, *OURS[name], *out]
        jobs = os.path.join(HERE, "jobs.py")
        return [sys.executable, jobs, name, self.rivers, self.sites, distance, self.answer(name)]

    def run(self, name):
        before = self.all.setdefault(name, [])
        slow = name not in OURS and before and before[0]["wall"] > self.o.repeat_below
        if name in self.failed or slow:
            return
        m = measured(self.command(name), self.o.limit)
        if m["code"] is None:
            self.failed[name] = f"stopped after {self.o.limit:.0f} s"
        elif m["code"] != 0:
            self.failed[name] = m["said"]
        else:
            if name not in OURS:
                m["wall"] = json.load(open(self.answer(name)))["seconds"]
            before.append(m)
        print(f"  {name}: " + (self.failed.get(name) or f"{before[-1]['wall']:.2f} s"), flush=True)

    def seconds(self, name):
        return statistics.median(m["wall"] for m in self.all[name])

    def cpu(self, name):
        return statistics.median(m["cpu"] for m in self.all[name])

    def peak(self, name):
        return max(m["peak_mib"] for m in self.all[name])


def check(runs, peers):
    answers = [runs.answer(p) for p in peers if p not in runs.failed]
    script = os.path.join(HERE, "check.py")
    command = [sys.executable, script, runs.rivers, runs.sites, f"{runs.o.distance:g}", runs.screened("heshan, planar")]
    return json.loads(subprocess.run(command + answers, check=True, capture_output=True, text=True).stdout)


def table(runs, names, found):
    """Rows of text: name, seconds, times heshan's, processor seconds, peak, hits, area, sum of distances, what comes out."""
    head = ["", "wall s", "times heshan's", "CPU s", "times heshan's", "peak MiB"]
    head += ["hits", "inside km²", "sum of distances m", "runs", "gives"]
    rows, base = [head], "heshan, planar"
    for n in names:
        if n in runs.failed:
            rows.append([n, runs.failed[n], *[""] * (len(head) - 3), WHAT[n]])
            continue
        row = [n]
        for of in [runs.seconds, runs.cpu]:
            row += [f"{of(n):.2f}", f"{of(n) / of(base):.2f}"]
        row.append(f"{runs.peak(n):.0f}")
        if n == base:
            sums = [found["hits"], found["inside_m2"], found["distance_m"]]
        elif n in OURS:
            sums = [None, None, None]
        else:
            a = json.load(open(runs.answer(n)))
            sums = [len(a["ids"]), a["inside_m2"], a["distance_m"]]
        hits, inside, total = sums
        row.append("" if hits is None else str(hits))
        row.append("" if inside is None else f"{inside / 1e6:.4f}")
        row.append("" if total is None else f"{total:.1f}")
        rows.append([*row, str(len(runs.all[n])), WHAT[n]])
    return rows


def aligned(rows):
    last = len(rows[0]) - 1
    widths = [max(len(r[k]) for r in rows) for k in range(last + 1)]
    cell = lambda k, c: c.rjust(widths[k]) if 0 < k < last else c.ljust(widths[k])
    return "\n".join("  ".join(cell(k, c) for k, c in enumerate(r)).rstrip() for r in rows)


def markdown(rows):
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([line(rows[0]), "|---|" + "--:|" * (len(rows[0]) - 2) + "---|", *map(line, rows[1:])])


def machine():
    def field(path, name):
        for line in open(path):
            if line.startswith(name):
                return line.split(":", 1)[1].strip()
        return "?"

    memory = int(field("/proc/meminfo", "MemTotal").split()[0]) / 1048576
    cpu = f"{field('/proc/cpuinfo', 'model name')} family {field('/proc/cpuinfo', 'cpu family')}"
    return f"{cpu}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB of memory"


def versions(heshan):
    out = {"heshan": subprocess.run([heshan, "--version"], capture_output=True, text=True).stdout.split()[-1]}
    out["python"] = sys.version.split()[0]
    for package in ["numpy", "shapely", "geopandas", "pyogrio", "sedonadb", "duckdb"]:
        try:
            out[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    import shapely

    out["GEOS"] = shapely.geos_version_string
    return out


def put(text):
    """Puts a text between the markers of docs/benchmarks.md, or at its end."""
    page, (begin, end) = os.path.join(ROOT, "docs", "benchmarks.md"), ("<!-- peers:begin -->", "<!-- peers:end -->")
    old = open(page).read() if os.path.exists(page) else "# Benchmarks\n"
    a, b = old.find(begin), old.find(end)
    if 0 <= a < b:
        new = old[:a] + begin + "\n" + text + old[b:]
    else:
        new = old.rstrip() + f"\n\n{begin}\n{text}{end}\n"
    with open(page, "w") as f:
        f.write(new)


def report(o, runs, rows, found, about):
    told = lambda what, got, bound, good: [what, f"{got:.3g}", f"{bound:.3g}", "yes" if good else "NO"]
    checks = [told(*c) for c in found["checks"]]
    names = ", ".join(f"{k} {v}" for k, v in about["versions"].items())
    text = f"`make bench-peers`, {about['date']}. {about['machine']}. {names}.\n\n"
    text += f"{about['sites']} sites of {about['site_vertices']} vertices, rivers of {about['river_vertices']}, "
    text += f"corridor of {o.distance:g} m, EPSG:4545; data by {about['maker']}. "
    text += "Median wall time, median processor time, greatest peak memory.\n\n" + markdown(rows) + "\n\nThe answers:\n\n"
    text += markdown([["", "found", "bound", "good"], *checks]).replace("--:|---|", "--:|:-:|") + "\n"
    put(text)
    folder = os.path.join(ROOT, "benches", "runs")
    os.makedirs(folder, exist_ok=True)
    raw = os.path.join(folder, f"{about['date']}-peers.json")
    taken = {n: [{k: round(m[k], 3) for k in ["wall", "cpu", "peak_mib"]} for m in ms] for n, ms in runs.all.items()}
    with open(raw, "w") as f:
        json.dump({**about, "corridor_m": o.distance, "runs": taken, "failed": runs.failed, **found}, f, indent=1)
        f.write("\n")
    print("written: docs/benchmarks.md, " + os.path.relpath(raw, ROOT))


def about(o, folder):
    import geopandas
    import shapely

    count = lambda name: shapely.get_num_coordinates(geopandas.read_file(os.path.join(folder, name)).geometry.values)
    sites, rivers = count("sites.fgb"), count("rivers.fgb")
    made = "shared/peers/gen_vector.py" if "peers-shared-" in folder else "benches/peers/generate.py"
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(o.heshan),
        "maker": "a folder given" if o.data else made,
        "sites": len(sites),
        "site_vertices": int(sites.sum()),
        "river_vertices": int(rivers.sum()),
    }


def main():
    o = options()
    peers = []
    for p in o.peers.split(","):
        try:
            __import__(NEEDS[p])
            peers.append(p)
        except ImportError as e:
            print(f"{p} is left out: {e}")
    folder = data(o)
    with tempfile.TemporaryDirectory(dir=TARGET) as work:
        runs = Runs(o, folder, work)
        names = [*OURS, *peers]
        for k in range(o.runs):
            print(f"run {k + 1} of {o.runs}")
            for n in names:
                runs.run(n)
        for n in OURS:
            if n in runs.failed:
                sys.exit(f"{n}: {runs.failed[n]}")
        found = check(runs, peers)
        rows = table(runs, names, found)
        print("\n" + aligned(rows) + "\n")
        for what, got, bound, good in found["checks"]:
            print(f"  {'good' if good else 'BAD '}  {what}: {got:.3g} (at most {bound:.3g})")
        if not o.dry:
            report(o, runs, rows, found, about(o, folder))
    sys.exit(0 if all(c[3] for c in found["checks"]) else 1)


if __name__ == "__main__":
    main()
