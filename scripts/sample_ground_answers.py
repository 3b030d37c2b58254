#!/usr/bin/env python3
"""What data-samples/README.md expects of the made-up ground, from its description alone (without heshan).

usage: sample_ground_answers.py          prints the tables          (needs numpy)
       sample_ground_answers.py design   writes units and permits   (needs pyproj, too)

The description is that of src/jobs/sample/ground.rs: forms on two dates, greenness by year.
"""
import json
import pathlib
import sys

import numpy as np

CORNER = (640020.0, 4390020.0)  # EPSG:32648
SOURCES = pathlib.Path(__file__).resolve().parent.parent / "src/jobs/sample"

# unit: its outline, form before and after as (rectangle, height, rise of its sides)
OUTLINES = {
    "G1": (300, 240, 900, 660),
    "G2": (300, 1020, 840, 1440),
    "G3": (1140, 960, 1380, 1200),
    "G4": (1500, 1320, 1800, 1620),
    "G5": (1200, 300, 1560, 540),
    "G6": (1560, 900, 1860, 1140),
}
FORMS = {
    "G1": (((360, 300, 600, 600), -10, 1), ((320, 260, 880, 640), -40, 1)),
    "G2": (((360, 1080, 780, 1380), 24, 1), ((330, 1050, 810, 1410), 20, 0.36)),
    "G3": (((1150, 970, 1370, 1190), -30, 1), ((1150, 970, 1370, 1190), -18, 1)),
    "G4": (((1520, 1340, 1780, 1600), 30, 1), ((1520, 1340, 1780, 1600), 30, 1)),
    "G5": (None, ((1220, 320, 1540, 520), -15, 1)),
    "G6": (((1580, 920, 1840, 1120), -25, 1), ((1580, 920, 1840, 1120), -25, 1)),
}
GREEN = {
    "G1": (0.30, 0.30, -0.30, 0.0, 0.0),
    "G2": (0.02, 0.08, 0.14, 0.20, 0.26),
    "G3": (0.02, 0.10, 0.105, 0.105, 0.105),
    "G4": (0.0, 0.0, 0.0, 0.0, 0.0),
    "G5": (0.30, 0.30, 0.30, -0.30, 0.0),
    "G6": (0.30, 0.30, 0.30, 0.30, 0.30),
}
SEASON = {4: 0.35, 5: 0.60, 6: 0.85, 7: 1.00, 8: 0.95, 9: 0.70, 10: 0.40}
CLOUDED = {"G1", "G2"}  # in July 2023
WHAT = {
    "G1": ("示例一号采坑", "露天采坑", "乌达区", "示例煤业甲公司", "2026-06-30"),
    "G2": ("示例二号排土场", "排土场", "乌达区", "示例煤业甲公司", "2026-06-30"),
    "G3": ("示例三号采坑", "露天采坑", "海勃湾区", "示例煤业乙公司", "2025-12-31"),
    "G4": ("示例四号排土场", "排土场", "海勃湾区", "示例煤业乙公司", "2025-12-31"),
    "G5": ("示例五号采坑", "露天采坑", "海勃湾区", "示例建材丁公司", None),
    "G6": ("示例六号采坑", "露天采坑", "海南区", "示例矿业己公司", "2026-12-31"),
}
PERMITS = {"示例采矿权甲": (300, 240, 780, 660), "示例采矿权乙": (1080, 900, 1440, 1260)}


def heights():
    middle = (np.arange(198) + 0.5) * 10
    x, y = np.meshgrid(middle, middle)
    ridge = lambda t: np.where((t >= 0) & (t < 1), 80 * t * (1 - t), 0)
    ground = 1150 + 0.02 * x - 0.01 * y + ridge(y / 240) + ridge(x / 300) + ridge((y - 1680) / 300)
    both = []
    for date in (0, 1):
        h = ground.copy()
        for forms in FORMS.values():
            if forms[date]:
                (l, t, r, b), full, rise = forms[date]
                within = np.minimum.reduce([x - l, r - x, y - t, b - y]).clip(0)
                h += np.sign(full) * np.minimum(abs(full), within * rise)
        both.append(h)
    return x, y, both


def slope(h):
    """Degrees (Horn 1981), cells of 10 m; the outermost row and column are left out."""
    z = lambda dy, dx: h[1 + dy : h.shape[0] - 1 + dy, 1 + dx : h.shape[1] - 1 + dx]
    gx = (z(-1, 1) + 2 * z(0, 1) + z(1, 1) - z(-1, -1) - 2 * z(0, -1) - z(1, -1)) / 80
    gy = (z(1, -1) + 2 * z(1, 0) + z(1, 1) - z(-1, -1) - 2 * z(-1, 0) - z(-1, 1)) / 80
    return np.pad(np.degrees(np.arctan(np.hypot(gx, gy))), 1, constant_values=np.nan)


def terrain():
    x, y, (before, after) = heights()
    verdicts = dict(G1="deeper", G2="reshaped", G3="partly_filled", G4="still_dump", G5="new_pit", G6="still_pit")
    print("| id | net_m3 | steep_before_pct | steep_after_pct | full_before_m | full_after_m | verdict |")
    print("|---|---|---|---|---|---|---|")
    steep = [slope(before) > 35, slope(after) > 35]
    for unit, (l, t, r, b) in OUTLINES.items():
        there = (x > l) & (x < r) & (y > t) & (y < b)
        net = (after - before)[there].sum() * 100
        share = [100 * s[there].mean() for s in steep]
        full = [abs(f[1]) if f else 0 for f in FORMS[unit]]
        print(f"| {unit} | {net:.0f} | {share[0]:.1f} | {share[1]:.1f} | {full[0]} | {full[1]} | {verdicts[unit]} |")


def cover():
    # pixel dichotomy with NDVI 0.05 of soil and 0.70 of full cover; median of June to September of a year
    fvc = lambda ndvi: min(max((ndvi - 0.05) / 0.65, 0), 1)
    grades = dict(G1="regressed", G2="progressing", G3="stalled", G4="not_started", G5="regressed", G6="met")
    print("| id | cover_2020_pct | cover_2024_pct | grade | break |")
    print("|---|---|---|---|---|")
    breaks = dict(G1="2022-07-15", G5="2023-07-15")
    for unit, years in GREEN.items():
        of = lambda year: 100 * np.median([fvc(0.08 + years[year] * SEASON[m]) for m in (6, 7, 8, 9)])
        print(f"| {unit} | {of(0):.1f} | {of(4):.1f} | {grades[unit]} | {breaks.get(unit, '–')} |")


def design():
    from pyproj import Transformer

    away = Transformer.from_crs("EPSG:32648", "EPSG:4326", always_xy=True)

    def ring(l, t, r, b):
        corners = [(l, b), (r, b), (r, t), (l, t), (l, b)]
        lonlat = (away.transform(CORNER[0] + x, CORNER[1] - y) for x, y in corners)
        return [[round(lon, 9), round(lat, 9)] for lon, lat in lonlat]

    def write(name, rows):
        one = lambda p, r: {"type": "Feature", "properties": p, "geometry": {"type": "Polygon", "coordinates": [ring(*r)]}}
        lines = ",\n".join(json.dumps(one(p, r), ensure_ascii=False, separators=(",", ":")) for p, r in rows)
        (SOURCES / name).write_text('{"type":"FeatureCollection","features":[\n' + lines + "\n]}\n", encoding="utf-8")

    def unit(u):
        name, kind, county, owner, deadline = WHAT[u]
        over = f"{county}自然资源局(示例)"
        return {"编号": u, "名称": name, "类型": kind, "旗县区": county, "责任单位": owner, "监管单位": over, "完成时限": deadline}

    write("ground_units.geojson", [(unit(u), r) for u, r in OUTLINES.items()])
    write("ground_permits.geojson", [({"名称": n}, r) for n, r in PERMITS.items()])


if sys.argv[1:] == ["design"]:
    design()
else:
    terrain()
    print()
    cover()
