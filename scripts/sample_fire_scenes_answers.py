#!/usr/bin/env python3
"""What data-samples/README.md expects of the scripted scenes with fires, from the script alone (without heshan).

usage: sample_fire_scenes_answers.py        (needs pyproj)
Prints the lines of src/jobs/sample/fire_scenes_designed.csv, then the table of looks for the README.
"""
import datetime as dt
from pyproj import Transformer

LOOKS, NIGHTS = range(8), [0, 2, 4, 6, 7]
CORNER, PIXEL = (649620.0, 4383960.0), 30.0
PLANT = "示例焦化厂(虚构)"
# name, column, row, columns, rows; looks hot by day, looks whose night is hot; site, known heat, story
S = [
    ("S1", 31, 57, 3, 3, set(LOOKS), set(NIGHTS), "WH025", "", "burns throughout; under cloud in look 3"),
    ("S2", 41, 57, 3, 3, {0, 1, 2, 3}, {0, 2}, "WH025", "", "out after three clear looks"),
    ("S3", 35, 67, 3, 3, {0, 1, 6, 7}, {0, 6, 7}, "WH025", "", "out in July and back on 26 July"),
    ("S4", 65, 20, 3, 3, set(LOOKS), set(NIGHTS), "", "", "under cloud since 10 July: not known to be out"),
    ("S5", 24, 30, 3, 3, set(LOOKS), set(NIGHTS), "WH007", PLANT, "a flare of the coking plant: flagged and counted apart"),
    ("S6", 70, 70, 3, 3, set(LOOKS), set(), "", "", "a roof: cool by night and no fire"),
    ("S7", 8, 70, 3, 3, {0, 1, 2, 3, 4}, {0, 2, 4}, "", "", "two clear looks and one that did not record it"),
    ("S8", 60, 45, 3, 3, {7}, {7}, "", "", "seen in the last look for the first time"),
    ("S9", 74, 44, 4, 3, {2}, set(), "", "", "grass that burned with flames on 24 June; its warm ground was cool by night"),
    ("S10", 10, 10, 3, 3, {4, 5, 6, 7}, {4, 6, 7}, "", "", "from 10 July on but its night was hidden until 26 July"),
]
FLAMES = {"S5": [(25, 31), (26, 31)], "S9": [(75, 45), (76, 45)]}
CLOUD = {3: ["S1"], 4: ["S4"], 5: ["S4"], 6: ["S4"], 7: ["S4"]}  # by day
CLOUD_NIGHT = {4: ["S10"]}
GAP = {5: ["S7"]}

to_lonlat = Transformer.from_crs("EPSG:32648", "EPSG:4490", always_xy=True)
middle = lambda c, r: to_lonlat.transform(CORNER[0] + (c + 0.5) * PIXEL, CORNER[1] - (r + 0.5) * PIXEL)
day = lambda k: dt.datetime(2026, 6, 8, 3, 33, 20) + dt.timedelta(days=8 * k)
# the night nearest in time
night_of = lambda k: min(NIGHTS, key=lambda n: abs(day(n) + dt.timedelta(hours=11, minutes=18, seconds=50) - day(k)))
stamp = lambda k: "" if k is None else day(k).strftime("%Y-%m-%dT%H:%M:%SZ")

found, cool, hidden_night = {}, {}, {}
for name, c, r, w, h, by_day, by_night, *_ in S:
    for k in LOOKS:
        block = [(c + i, r + j) for j in range(h) for i in range(w)]
        seen = name not in CLOUD.get(k, []) + GAP.get(k, [])
        n = night_of(k)
        flames = FLAMES.get(name, []) if k in by_day and seen else []
        warm = block if k in by_day and seen else []
        if warm and name in CLOUD_NIGHT.get(n, []):
            hidden_night[k] = hidden_night.get(k, 0) + len(warm)
            warm = []
        elif warm and n not in by_night:
            cool[k] = cool.get(k, 0) + len(warm)
            warm = []
        found[name, k] = (sorted(set(warm) | set(flames)), len(flames), len(warm))

print("fire,lon,lat,state,points,passes,clear_n,hidden_n,relapses,first_seen,last_seen,open_since,out_first,out_sure,industrial,site_id,story")
for name, c, r, w, h, by_day, by_night, site, known, story in S:
    state, clear, hid, relapses, passes, points, since, out = None, 0, 0, 0, 0, [], None, None
    for k in LOOKS:
        px = found[name, k][0]
        if px:
            state = "new" if state is None else "relapsed" if state == "out" or state == "relapsed" and clear == 0 else "active"
            if passes == 0 or out and clear >= 3: since = k
            relapses += out is not None and clear >= 3; passes += 1; points += px; clear = hid = 0; out = None
        elif state is None or name in GAP.get(k, []):
            continue
        elif name in CLOUD.get(k, []) or name in CLOUD_NIGHT.get(night_of(k), []):
            hid += 1
        else:
            clear += 1
            if clear == 1: first_clear = k
            if state != "out": state = "out" if clear >= 3 else "suspected_out"
            if state == "out" and out is None: out = (first_clear, k)
    if state is None: continue
    at = [middle(*p) for p in points]
    ks = [k for k in LOOKS if found[name, k][0]]
    lon, lat = (sum(p[i] for p in at) / len(at) for i in (0, 1))
    o = out or (None, None)
    print(f"{name},{lon:.7f},{lat:.7f},{state},{len(points)},{passes},{clear},{hid},{relapses},{stamp(ks[0])},{stamp(ks[-1])},{stamp(since)},{stamp(o[0])},{stamp(o[1])},{known},{site},{story}")

print("\n| look | night | hot_px | flames_px | thermal_px | cool_by_night | night_hidden |\n|---|---|---|---|---|---|---|")
for k in LOOKS:
    px, fl, th = (sum(x) for x in zip(*[(len(found[s[0], k][0]), found[s[0], k][1], found[s[0], k][2]) for s in S]))
    n = night_of(k)
    name = lambda kind, j: f"LC0{8 + j % 2}_{kind}_{day(j):%Y%m%d}_SAMPLE"
    print(f"| {name('L1TP_129033', k)} | {name('L1GT_024209', n)} | {px} | {fl} | {th} | {cool.get(k, 0)} | {hidden_night.get(k, 0)} |")
