#!/usr/bin/env python3
"""The sample project's designed part and the answers expected of it, made without heshan.

    python3 -m venv .venv && .venv/bin/pip install numpy pyproj shapely geographiclib
    .venv/bin/python scripts/sample_answers.py cut NATURAL_EARTH.geojson   # data-samples/rivers.geojson
    .venv/bin/python scripts/sample_answers.py design                      # src/jobs/sample/designed.geojson
    heshan sample data-samples --overwrite
    .venv/bin/python scripts/sample_answers.py answers                     # the tables in data-samples/README.md
    .venv/bin/python scripts/sample_answers.py check screen.gpkg           # every site of a run, same methods

How the answers are made, and from what:

- Files are read by GDAL's `ogr2ogr` (geometry as GeoJSON in the file's own CRS). An edge is straight in its file's CRS
  (OGC 06-103r4, 6.1.2.1): outlines are densified there to 2 m steps, river lines in degrees to 50 m steps, before
  anything is measured.
- Distances are geodesics on the CGCS2000 ellipsoid (Karney 2013, by PROJ's `Geod`): a grid search over all pairs of
  points of outline and river, made finer about the best pairs until the step is below 0.01 mm. No projection.
- Areas are Karney's polygon areas (geographiclib). The share inside a corridor is measured in an azimuthal equidistant
  projection about the site (its scale error within 10 km is below 1e-6), against GEOS buffers with 1,024 segments a
  quarter circle (chords at most 1 mm inside the circle of 3 km).
- Chainage is the sum of the lengths of the river's edges from its head.
"""
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import pyproj
import shapely
from geographiclib.geodesic import Geodesic
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Polygon, shape

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data-samples"
DESIGNED = ROOT / "src/jobs/sample/designed.geojson"
A, F = 6378137.0, 1 / 298.257222101  # CGCS2000 (GB 22021-2008)
GEOD = pyproj.Geod(a=A, f=F)
EARTH = Geodesic(A, F)
DISTANCES = (1000, 3000)
FILES = {"sites_alxa.shp": 4523, "sites_wuhai.gpkg": 4490, "sites_ordos.geojson": 4490}
# between Yinchuan and Baotou: west, south, east, north
WINDOW = (106.25, 38.2, 110.0, 41.35)


# --- geometry ---------------------------------------------------------------------------------------------------

def densified(ring, step):
    """Points along a ring or line, straight in its own coordinates, at most `step` apart."""
    out = [tuple(ring[0][:2])]
    for a, b in zip(ring, ring[1:]):
        n = max(1, math.ceil(math.hypot(b[0] - a[0], b[1] - a[1]) / step))
        out += [(a[0] + (b[0] - a[0]) * k / n, a[1] + (b[1] - a[1]) * k / n) for k in range(1, n + 1)]
    return out


def lonlat_polygon(geometry, epsg):
    """A GeoJSON polygon or multipolygon in `epsg`, to lon/lat with its edges where the file has them."""
    parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    back = None if epsg == 4490 else pyproj.Transformer.from_crs(epsg, 4490, always_xy=True)
    step = 2.0 if back else 2e-5

    def ring(r):
        dense = np.array(densified(r, step))
        return dense if back is None else np.column_stack(back.transform(dense[:, 0], dense[:, 1]))

    return MultiPolygon([Polygon(ring(p[0]), [ring(h) for h in p[1:]]) for p in parts])


def rings(polygon):
    for p in polygon.geoms:
        yield np.array(p.exterior.coords)
        for h in p.interiors:
            yield np.array(h.coords)


def area_m2(polygon):
    total = 0.0
    for p in polygon.geoms:
        for sign, r in [(1, p.exterior)] + [(-1, h) for h in p.interiors]:
            q = EARTH.Polygon()
            for x, y in list(r.coords)[:-1]:
                q.AddPoint(y, x)
            total += sign * abs(q.Compute()[2])
    return total


def length_m(points):
    p = np.array(points)
    return float(np.sum(GEOD.inv(p[:-1, 0], p[:-1, 1], p[1:, 0], p[1:, 1])[2]))


def plane(lon, lat):
    lon, lat = float(lon), float(lat)
    crs = pyproj.CRS.from_proj4(f"+proj=aeqd +lat_0={lat!r} +lon_0={lon!r} +a={A} +rf={1 / F} +units=m")
    geographic = pyproj.CRS.from_proj4(f"+proj=longlat +a={A} +rf={1 / F}")
    return pyproj.Transformer.from_crs(geographic, crs, always_xy=True)


def into(t, polygon_or_line):
    return shapely.transform(polygon_or_line, lambda c: np.column_stack(t.transform(c[:, 0], c[:, 1])))


# --- rivers -----------------------------------------------------------------------------------------------------

class Rivers:
    """The river lines, in edges densified to 50 m. Within the sample every line of a name is one chain or a braid."""

    def __init__(self, path=SAMPLES / "rivers.geojson"):
        self.lines = []
        for f in json.loads(path.read_text())["features"]:
            g = f["geometry"]
            for line in g["coordinates"] if g["type"] == "MultiLineString" else [g["coordinates"]]:
                self.lines.append((f["properties"]["name_zh"], f["properties"]["class"], densified(line, 5e-4)))
        a, b, line = [], [], []
        for i, (_, _, pts) in enumerate(self.lines):
            a += pts[:-1]
            b += pts[1:]
            line += [i] * (len(pts) - 1)
        self.a, self.b, self.line = np.array(a), np.array(b), np.array(line)

    def near(self, polygon, reach_m):
        """Positions of edges with an end within `reach_m` (and a little) of the polygon's bounds."""
        x0, y0, x1, y1 = polygon.bounds
        dy, dx = reach_m / 110e3 + 0.005, reach_m / (110e3 * math.cos(math.radians(y1))) + 0.005
        ok = (self.a[:, 0] > x0 - dx) & (self.a[:, 0] < x1 + dx) & (self.a[:, 1] > y0 - dy) & (self.a[:, 1] < y1 + dy)
        return np.flatnonzero(ok)

    def chainage_m(self, edge, t):
        """Along the line from its first vertex; the main stem is one line drawn downstream."""
        i = self.line[edge]
        first = np.flatnonzero(self.line == i)[0]
        whole = length_m(np.vstack([self.a[first:edge + 1], [self.a[edge]]])) if edge > first else 0.0
        p = self.a[edge] + (self.b[edge] - self.a[edge]) * t
        return whole + length_m([self.a[edge], p])


def nearest(polygon, rivers):
    """Least geodesic between outline and river: (metres, edge, position on the edge, point on the outline)."""
    outline = np.vstack([np.column_stack([r[:-1], r[1:]]) for r in rings(polygon)])
    for reach in (4e3, 2e4, 1e5):
        edges = rivers.near(polygon, reach)
        if len(edges):
            found = search(outline, edges, rivers)
            if found[0] < reach:
                return found
    raise SystemExit("no river within 100 km")


def search(outline, edges, rivers):
    # all pairs of points, outline thinned to some 20 m
    thin = outline[:: max(1, len(outline) // 600)]
    i, j = np.meshgrid(np.arange(len(thin)), edges, indexing="ij")
    mid = (rivers.a[j] + rivers.b[j]) / 2
    d = GEOD.inv(thin[i, 0], thin[i, 1], mid[..., 0], mid[..., 1])[2]
    best = None
    order = np.argsort(d, axis=None)[:4000]
    seen = set()
    for k in order:
        e, o = j.flat[k], i.flat[k]
        key = (e // 3, o // 3)
        if key in seen or len(seen) > 30:
            continue
        seen.add(key)
        found = refine(outline, rivers, o * max(1, len(outline) // 600), e)
        if best is None or found[0] < best[0]:
            best = found
    return best


def refine(outline, rivers, o, e):
    """Finer grids of (position along the outline, position along the river) about a pair, both in edges."""
    so, se, wo, we = float(o), float(e), 40.0, 4.0
    line = rivers.line[e]
    lo, hi = np.flatnonzero(rivers.line == line)[[0, -1]]

    def on_outline(s):
        k = np.clip(np.floor(s), 0, len(outline) - 1).astype(int)
        t = np.clip(s - k, 0, 1)[:, None]
        return outline[k, :2] + (outline[k, 2:] - outline[k, :2]) * t

    def on_river(s):
        k = np.clip(np.floor(s), lo, hi).astype(int)
        t = np.clip(s - k, 0, 1)[:, None]
        return rivers.a[k] + (rivers.b[k] - rivers.a[k]) * t

    while True:
        x = np.clip(so + np.linspace(-wo, wo, 41), 0, len(outline))
        y = np.clip(se + np.linspace(-we, we, 41), lo, hi + 1)
        p, q = on_outline(x), on_river(y)
        i, j = np.meshgrid(np.arange(41), np.arange(41), indexing="ij")
        d = GEOD.inv(p[i, 0], p[i, 1], q[j, 0], q[j, 1])[2]
        k = np.unravel_index(np.argmin(d), d.shape)
        so, se = float(x[k[0]]), float(y[k[1]])
        if wo < 1e-5 and we < 1e-6:
            edge = int(min(max(math.floor(se), lo), hi))
            return float(d[k]), edge, se - edge, p[k[0]]
        wo, we = max(wo / 5, 1e-6), max(we / 5, 1e-7)


def bank(rivers, edge, t, point):
    """Side of the line, by the adjoining edge that `point` stands off from most."""
    frame = plane(*point)
    around = [edge]
    if t < 1e-6 and edge > 0 and rivers.line[edge - 1] == rivers.line[edge]:
        around.append(edge - 1)
    if t > 1 - 1e-6 and edge + 1 < len(rivers.line) and rivers.line[edge + 1] == rivers.line[edge]:
        around.append(edge + 1)

    def offset(k):
        (ax, ay), (bx, by) = frame.transform(*rivers.a[k]), frame.transform(*rivers.b[k])
        # the point is the frame's origin
        return ((bx - ax) * -ay - (by - ay) * -ax) / math.hypot(bx - ax, by - ay)

    return "left" if max((offset(k) for k in around), key=abs) > 0 else "right"


def local(polygon, rivers, d):
    """Site and river corridor in a plane about the site."""
    c = shapely.box(*polygon.bounds).centroid
    frame = plane(c.x, c.y)
    size = length_m([polygon.bounds[:2], polygon.bounds[2:]])
    lines = [LineString([rivers.a[k], rivers.b[k]]) for k in rivers.near(polygon, d + size)]
    if not lines:
        return into(frame, polygon), Polygon()
    joined = shapely.line_merge(MultiLineString(lines))
    return into(frame, polygon), into(frame, joined).buffer(d, quad_segs=1024)


def answer(polygon, rivers, reserve=None):
    """Everything that is expected of one site."""
    out = {"area_m2": area_m2(polygon)}
    lines = [LineString([rivers.a[k], rivers.b[k]]) for k in rivers.near(polygon, 100)]
    touched = {rivers.lines[rivers.line[k]][:2] for k, l in zip(rivers.near(polygon, 100), lines) if l.intersects(polygon)}
    if touched:
        # the main stem before a tributary
        name, _ = min(touched, key=lambda n: (n[1] != "main", n[0]))
        out |= {"min_dist_m": 0.0, "river": name, "bank": "both", "chainage_km": None, "touched": len(touched)}
    else:
        d, edge, t, point = nearest(polygon, rivers)
        name, cls, _ = rivers.lines[rivers.line[edge]]
        main = cls == "main"
        out |= {"min_dist_m": d, "river": name, "bank": bank(rivers, edge, t, point) if main else None}
        out["chainage_km"] = rivers.chainage_m(edge, t) / 1000 if main else None
    for m in DISTANCES:
        site, corridor = local(polygon, rivers, m)
        share = site.intersection(corridor).area / site.area
        inside = share > 1 - 1e-9
        relation = "outside" if out["min_dist_m"] > m else "inside" if inside else "crosses"
        out[f"relation_{m}"] = relation
        out[f"inside_{m}_m2"] = {"outside": 0.0, "inside": out["area_m2"]}.get(relation, share * out["area_m2"])
    if reserve is not None:
        c = polygon.centroid
        frame = plane(c.x, c.y)
        site = into(frame, polygon)
        out["zone_overlap_m2"] = sum(site.intersection(into(frame, z)).area for z in reserve) / site.area * out["area_m2"]
    return out


# --- files ------------------------------------------------------------------------------------------------------

def features(path, epsg, where=None):
    """Features of a file in its own CRS, by GDAL; GBK named for the shapefile."""
    with tempfile.TemporaryDirectory() as d:
        to = pathlib.Path(d) / "x.geojson"
        # as EPSG:4490 says: no transformation, only the label, so that the numbers stay those of the file
        option = ["-oo", "ENCODING=CP936"] if path.suffix == ".shp" else []
        command = ["ogr2ogr", "-f", "GeoJSON", "-lco", "COORDINATE_PRECISION=15", "-a_srs", f"EPSG:{epsg}", *option]
        subprocess.run([*command, str(to), str(path)], check=True, stderr=subprocess.DEVNULL)
        return json.loads(to.read_text())["features"]


def designed(prefix):
    for name, epsg in FILES.items():
        for f in features(SAMPLES / name, epsg):
            if f["properties"]["编号"].startswith(prefix):
                yield name, epsg, f


def reserves():
    return [lonlat_polygon(f["geometry"], 4490) for f in features(SAMPLES / "nature_reserve.geojson", 4490)]


# --- construction -----------------------------------------------------------------------------------------------

def cut(natural_earth):
    """The part of the Natural Earth rivers within WINDOW, cut between vertices; nothing is added or moved."""
    out = []
    x0, y0, x1, y1 = WINDOW
    for f in json.loads(pathlib.Path(natural_earth).read_text())["features"]:
        g = f["geometry"]
        lines = []
        for line in g["coordinates"] if g["type"] == "MultiLineString" else [g["coordinates"]]:
            part = []
            for p in line + [None]:
                if p is not None and x0 <= p[0] <= x1 and y0 <= p[1] <= y1:
                    part.append([round(v, 7) for v in p[:2]])
                else:
                    if len(part) > 1:
                        lines.append(part)
                    part = []
        if lines:
            keep = {k: f["properties"][k] for k in ("name", "name_zh", "class", "featurecla")}
            geometry = {"type": "MultiLineString", "coordinates": lines}
            out.append({"type": "Feature", "properties": keep, "geometry": geometry})
    head = {"type": "FeatureCollection", "name": "rivers"}
    source = "Natural Earth 1:10m rivers and lake centerlines (naturalearthdata.com), public domain; name_zh, class added"
    rows = ",\n".join(json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in out)
    text = json.dumps(head | {"source": source}, ensure_ascii=False)[:-1] + ',"features":[\n' + rows + "\n]}\n"
    (SAMPLES / "rivers.geojson").write_text(text)


def outlined(lon, lat, points):
    """Local metres (east, north) about a place, to lon/lat with nine decimals (0.1 mm)."""
    frame = plane(lon, lat)
    x, y = frame.transform([p[0] for p in points], [p[1] for p in points], direction="INVERSE")
    r = [[round(a, 9), round(b, 9)] for a, b in zip(x, y)]
    return r + [r[0]]


def blob(rng, radius, n=18, stretch=1.0, turn=0.0):
    """An irregular outline about (0, 0): a radius of five harmonics."""
    h = [(k, rng.uniform(0, 0.16) / k**0.5, rng.uniform(0, 2 * math.pi)) for k in range(2, 7)]
    out = []
    for i in range(n):
        a = 2 * math.pi * (i + rng.uniform(-0.25, 0.25)) / n
        r = radius * (1 + sum(c * math.cos(k * a + p) for k, c, p in h))
        x, y = stretch * r * math.cos(a), r * math.sin(a)
        out.append((x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)))
    return out


def on_river(a, b, t):
    return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]


def facing(rivers, foot, azimuth, wanted_m, points, epsg):
    """A site whose nearest vertex lies `wanted_m` from the river: moved along `azimuth` until it does.

    `points` are (away from the river, to the left of that) in metres; the first is the nearest vertex.
    """
    s = wanted_m
    for _ in range(30):
        g = EARTH.Direct(foot[1], foot[0], azimuth, s)
        # the way the geodesic goes on, at its far end
        e, n = math.sin(math.radians(g["azi2"])), math.cos(math.radians(g["azi2"]))
        ring = outlined(g["lon2"], g["lat2"], [(u * e - w * n, u * n + w * e) for u, w in points])
        if epsg != 4490:
            grid = pyproj.Transformer.from_crs(4490, epsg, always_xy=True)
            stored = [[round(v, 4) for v in grid.transform(*p)] for p in ring]
        else:
            stored = ring
        d = nearest(lonlat_polygon({"type": "Polygon", "coordinates": [stored]}, epsg), rivers)[0]
        if abs(d - wanted_m) < 2e-4:
            return ring
        s += wanted_m - d
    raise SystemExit("the distance was not reached")


def design():
    rivers, rng = Rivers(), random.Random(9)
    main = json.loads((SAMPLES / "rivers.geojson").read_text())["features"]
    main = next(f for f in main if f["properties"]["class"] == "main")["geometry"]["coordinates"][0]

    def edge(lon, lat):
        k = min(range(len(main)), key=lambda i: math.dist(main[i], (lon, lat)))
        return main[k], main[k + 1]

    def across(a, b, side):
        """Azimuth to the left (-90) or right (90) of the edge."""
        return EARTH.Inverse(a[1], a[0], b[1], b[0])["azi1"] + side

    def off(a, b, t, side, metres):
        p = on_river(a, b, t)
        g = EARTH.Direct(p[1], p[0], across(a, b, side), metres)
        return g["lon2"], g["lat2"]

    out = []

    def add(file, id_, name, kind, county, coordinates, about, type_="Polygon", **more):
        properties = {"file": file, "编号": id_, "名称": name, "类型": kind, "旗县区": county, "备注": about} | more
        geometry = None if coordinates is None else {"type": type_, "coordinates": coordinates}
        out.append({"type": "Feature", "properties": properties, "geometry": geometry})

    wuhai = edge(106.752452, 39.4655216)  # ten kilometres of straight river
    south = edge(106.7177841, 38.8581811)
    alxa, ordos, city = "sites_alxa.shp", "sites_ordos.geojson", "sites_wuhai.gpkg"
    add(city, "D01", "示例河滩采坑", "露天采坑", "海勃湾区", [outlined(*off(*wuhai, 0.2, 90, 120), blob(rng, 420, 22))],
        "设计:河道穿过,距离 0")
    corner = [(0, 0), (0.09, -300), (180, -420), (520, -300), (640, 60), (430, 330), (120, 210)]
    add(city, "D02", "示例尾矿库甲", "尾矿库", "海勃湾区",
        [facing(rivers, on_river(*wuhai, 0.5), across(*wuhai, 90), 2999.9, corner, 4490)], "设计:距离 2999.9 米")
    corner = [(0, 0), (150, 260), (380, 330), (640, 120), (600, -210), (250, -330), (90, -190)]
    add(alxa, "D03", "示例矸石堆乙", "矸石堆场", "阿拉善左旗",
        [facing(rivers, on_river(*wuhai, 0.75), across(*wuhai, -90), 3000.1, corner, 4523)], "设计:距离 3000.1 米")
    add(ordos, "D04", "示例河湾砂场", "矿山", "杭锦旗",
        [outlined(109.0258, 40.5318, blob(rng, 620, 26, stretch=2.3))], "设计:位于河湾之内")
    add(alxa, "D05", "示例跨带煤矿", "煤矿", "阿拉善左旗", [outlined(106.5, 38.4375, blob(rng, 700, 24, stretch=1.4))],
        "设计:跨 106.5°E 分带线")
    add(ordos, "D06", "示例河口工业园", "工矿企业", "杭锦旗", [outlined(108.6765, 40.6385, blob(rng, 560, 20))],
        "设计:同时接触干流与支流")
    place = off(*south, 0.5, 90, 3000)
    hole = outlined(*place, [(x + 40, y - 30) for x, y in blob(rng, 240, 14)])[::-1]
    add(ordos, "D07", "示例露天矿", "露天采坑", "鄂托克旗", [outlined(*place, blob(rng, 760, 28)), hole],
        "设计:带孔洞,孔洞压在 3 公里线上")
    west = edge(106.7990829, 39.241726)
    add(alxa, "D08", "示例排土场丙", "排土场", "阿拉善左旗",
        [[outlined(*off(*west, 0.4, -90, 980), blob(rng, 260, 16))],
         [outlined(*off(*west, 0.5, -90, 3600), blob(rng, 420, 18, 1.3, 0.5))]],
        "设计:两部分,一近一远", type_="MultiPolygon")
    centre = (107.01, 39.56)
    border = blob(rng, 6200, 40, stretch=0.8)
    edge_point = outlined(*centre, border)[19]
    add(city, "D09", "示例固废堆场丁", "固废堆场", "海勃湾区", [outlined(*edge_point, blob(rng, 330, 18))],
        "设计:跨保护区边界")
    add(ordos, "D10", "示例远处煤矿", "煤矿", "鄂托克旗", [outlined(*off(*south, 0.35, 90, 12500), blob(rng, 800, 24))],
        "设计:距河约 12 公里")

    def at(lon, lat, *points):
        return outlined(lon, lat, points)

    bow = [(0, 0), (420, 300), (420, 0), (0, 240)]
    add(city, "F01", "示例领结", "排土场", "乌达区", [at(106.70, 39.52, *bow)], "错误:领结形自相交")
    ring = at(106.93, 38.985, *blob(rng, 210, 15))
    add(ordos, "F02", "示例未闭合", "矸石堆场", "鄂托克旗", [ring], "错误:环未闭合", unclosed=True)
    for k, (x, y) in enumerate([(106.84, 39.62), (106.855, 39.64)]):
        add(city, "F03", f"示例重号{k + 1}", "工矿企业", "海勃湾区", [at(x, y, *blob(rng, 190, 13))], "错误:编号重复")
    add(city, "F04", "示例空几何", "尾矿库", "海南区", [], "错误:空几何")
    spike = [(0, 0), (380, 20), (400, 150), (1200, 260), (400, 150), (360, 330), (-30, 290)]
    add(alxa, "F05", "示例尖刺", "露天采坑", "阿拉善左旗", [at(106.62, 39.30, *spike)], "错误:尖刺(边界去而复返)")
    add(alxa, "F06", "示例无几何", "固废堆场", "阿拉善左旗", None, "错误:没有几何")
    outside = at(106.985, 39.02, (600, 40), (600, 140), (720, 150), (730, 50))
    add(ordos, "F07", "示例孔洞在外", "露天采坑", "鄂托克旗", [at(106.985, 39.02, *blob(rng, 300, 17)), outside],
        "错误:孔洞在外环之外")
    reserve = [outlined(*centre, border)]
    wetland = [outlined(106.862, 39.06, blob(rng, 2300, 30, stretch=0.6))]
    for name, g in (("示例荒漠植被自然保护区(虚构)", reserve), ("示例湿地自然保护区(虚构)", wetland)):
        properties = {"file": "nature_reserve.geojson", "名称": name}
        out.append({"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": g}})
    rows = ",\n".join(json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in out)
    DESIGNED.write_text('{"type":"FeatureCollection","features":[\n' + rows + "\n]}\n")


# --- tables -----------------------------------------------------------------------------------------------------

COLUMNS = ["id", "file", "area_m2", "min_dist_m", "river", "bank", "chainage_km", "relation_1000", "inside_1000_m2",
           "relation_3000", "inside_3000_m2", "zone_overlap_m2"]
DIGITS = {"min_dist_m": 4, "chainage_km": 4}


def cell(name, v):
    if v is None:
        return "–"
    return f"{v:.{DIGITS.get(name, 2)}f}" if isinstance(v, float) else str(v)


def table(rows, columns):
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(cell(c, r.get(c)) for c in columns) + " |" for r in rows]) + "\n"


def replaced(text, name, new):
    start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    head, rest = text.split(start)
    return head + start + new + end + rest.split(end)[1]


def answers():
    rivers, reserve = Rivers(), reserves()
    rows = []
    for file, epsg, f in designed("D"):
        polygon = lonlat_polygon(f["geometry"], epsg)
        row = {"id": f["properties"]["编号"], "file": file} | answer(polygon, rivers, reserve)
        if row["id"] == "D06":
            assert row["touched"] == 2, "D06 should touch two rivers"
        rows.append(row)
    rows.sort(key=lambda r: r["id"])
    page = SAMPLES / "README.md"
    page.write_text(replaced(page.read_text(), "designed", table(rows, COLUMNS)))
    print(table(rows, COLUMNS))
    print("areas of mended shapes (what the rings enclose by the even-odd rule):")
    for file, epsg, f in designed("F"):
        if f["geometry"] and not shape(f["geometry"]).is_empty:
            print(" ", f["properties"]["编号"], file, f"{mended_m2(f['geometry'], epsg):.2f}")


def mended_m2(geometry, epsg):
    p = lonlat_polygon(geometry, epsg)
    sound = shapely.make_valid(p)
    parts = [g for g in getattr(sound, "geoms", [sound])]
    flat = [q for g in parts for q in getattr(g, "geoms", [g]) if q.geom_type == "Polygon"]
    return area_m2(MultiPolygon(flat))


def check(output):
    """Every site of a run, against the same methods: the largest differences."""
    rivers, worst = Rivers(), {"min_dist_m": 0.0, "area": 0.0, "inside": 0.0}
    with tempfile.TemporaryDirectory() as d:
        to = pathlib.Path(d) / "x.geojson"
        subprocess.run(["ogr2ogr", "-f", "GeoJSON", str(to), output, "sites"], check=True, stderr=subprocess.DEVNULL)
        got = {f["properties"]["site_id"]: f["properties"] for f in json.loads(to.read_text())["features"]}
    n = 0
    for file, epsg, f in designed(""):
        if f["properties"]["编号"][0] == "F":
            continue
        n += 1
        polygon = lonlat_polygon(f["geometry"], epsg)
        want, have = answer(polygon, rivers), got[f["properties"]["编号"]]
        where = f["properties"]["编号"]
        worst["min_dist_m"] = max(worst["min_dist_m"], abs(want["min_dist_m"] - have["min_dist_m"]))
        worst["area"] = max(worst["area"], abs(want["area_m2"] / have["area_m2"] - 1))
        for c in ("river", "bank", "relation_1000", "relation_3000"):
            if want[c] is not None and want[c] != have[c]:
                print(where, c, "expected", want[c], "found", have[c], want["min_dist_m"])
        if want["chainage_km"] is not None and abs(want["chainage_km"] - have["chainage_km"]) > 1e-3:
            print(where, "chainage expected", want["chainage_km"], "found", have["chainage_km"])
        for m in DISTANCES:
            a, b = want[f"inside_{m}_m2"], have[f"inside_{m}_m2"]
            worst["inside"] = max(worst["inside"], (abs(a - b) - 0.3) / max(a, 1.0))
    print(n, "sites; largest differences: distance", worst["min_dist_m"], "m; area", worst["area"],
          "relative; area inside", worst["inside"], "relative, beyond 0.3 m²")


if __name__ == "__main__":
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    verbs = {"cut": cut, "design": design, "answers": answers, "check": check}
    if verb not in verbs:
        raise SystemExit(__doc__)
    verbs[verb](*sys.argv[2:])
