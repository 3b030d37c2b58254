#!/usr/bin/env python3
"""Answers of exactextract and of GEOS for random polygons over random rasters: tests/fixtures/peers/zonal.json.

usage: zonal.py OUT.json
Needs (PyPI): numpy exactextract shapely.

Two rasters with nodata (one of doubles at pixels of 10 x 10 from 600000, 4400040; one of small whole numbers with pixels
of 0.25 x 0.5 from -3, 7) and a raster of weights beside each; polygons: stars, multipolygons, holes, slivers, zones inside
one pixel, edges on pixel borders, overlapping, partly and wholly outside. exactextract keeps shares of pixels as single
precision; `exact` are the same sums with shares by GEOS in double precision.
"""
import json, sys
import exactextract, numpy as np, shapely
from exactextract.raster import NumPyRasterSource
from shapely.geometry import MultiPolygon, Polygon, box, mapping

rng = np.random.default_rng(20261125)
STATS = ["count", "sum", "mean", "variance", "stdev", "min", "max", "mode", "quantile(q=0.0)", "quantile(q=0.1)", "quantile(q=0.5)",
         "quantile(q=0.9)", "quantile(q=1.0)"]


def star(x, y, r, n=12):
    t = np.sort(rng.uniform(0, 2 * np.pi, n)); k = r * rng.uniform(.3, 1, n)
    return Polygon(np.column_stack([x + k * np.cos(t), y + k * np.sin(t)])).buffer(0)


def zones(x0, y0, w, h, dx, dy):
    at = lambda: (rng.uniform(x0, x0 + w), rng.uniform(y0, y0 + h))
    out = []
    for _ in range(24): out.append(("star", star(*at(), rng.uniform(1, 8) * dx)))
    for _ in range(8): out.append(("multi", shapely.union_all([star(*at(), 2 * dx) for _ in range(3)])))
    for _ in range(8):
        x, y = at(); a = star(x, y, 7 * dx, 30); out.append(("hole", a.difference(Polygon(np.column_stack([x + dx * np.cos(np.arange(9)), y + dx * np.sin(np.arange(9))])).convex_hull)))
    for _ in range(8):
        (x, y), (u, v) = at(), at(); out.append(("sliver", Polygon([(x, y), (u, v), (u + 1e-3 * dx, v + 2e-3 * dx)])))
    for _ in range(8): out.append(("sub-pixel", star(*at(), 0.2 * dx)))
    for _ in range(6):
        i, j = rng.integers(0, 20, 2); out.append(("borders", box(x0 + i * dx, y0 + j * dy, x0 + (i + 5) * dx, y0 + (j + 3) * dy)))
    out.append(("half outside", star(x0, y0 + h / 2, 6 * dx))); out.append(("outside", star(x0 - 50 * dx, y0, 3 * dx)))
    out.append(("all", box(x0 - dx, y0 - dy, x0 + w + dx, y0 + h + dy)))
    return [(k, g) for k, g in out if g.area > 0 and g.geom_type in ("Polygon", "MultiPolygon")]


def raster(values, weights, x0, y1, dx, dy):
    n, m = values.shape; e = (x0, y1 - n * dy, x0 + m * dx, y1)
    src = lambda a: NumPyRasterSource(np.ma.masked_invalid(a), xmin=e[0], ymin=e[1], xmax=e[2], ymax=e[3])
    zs = zones(e[0], e[1], m * dx, n * dy, dx, dy)
    zero = np.zeros(values.shape)
    cells = shapely.box(*[a.ravel() for a in (x0 + dx * np.arange(m)[None] + zero, y1 - dy * (np.arange(n)[:, None] + 1) + zero,
                                               x0 + dx * (np.arange(m)[None] + 1) + zero, y1 - dy * np.arange(n)[:, None] + zero)])
    seen = ~np.isnan(values.ravel()); out = []
    for kind, g in zs:
        f = [{"type": "Feature", "properties": {}, "geometry": mapping(g)}]
        p = exactextract.exact_extract(src(values), f, STATS)[0]["properties"]
        p |= exactextract.exact_extract(src(values), f, ["weighted_mean", "weighted_sum", "weighted_variance"], weights=src(weights))[0]["properties"]
        share = shapely.area(shapely.intersection(cells, g)) / (dx * dy)
        exact = dict(covered=share.sum(), count=share[seen].sum(), sum=(share * values.ravel())[seen].sum(), area=g.area / (dx * dy))
        none = lambda v: None if v is None or np.isnan(v) else float(v)
        polys = g.geoms if isinstance(g, MultiPolygon) else [g]
        out.append(dict(kind=kind, rings=[[list(map(list, r.coords)) for r in (q.exterior, *q.interiors)] for q in polys],
                        exactextract={k: none(v) for k, v in p.items()}, exact={k: float(v) for k, v in exact.items()}))
    nan = lambda a: [None if np.isnan(v) else float(v) for v in a.ravel()]
    return dict(transform=[x0, dx, 0, y1, 0, -dy], width=m, height=n, values=nan(values), weights=nan(weights), zones=out)


a = np.round(rng.normal(0.3, 0.2, (24, 30)), 9); a[rng.random(a.shape) < .1] = np.nan
b = rng.integers(0, 6, (26, 22)).astype(float); b[rng.random(b.shape) < .2] = np.nan
w = lambda s: np.round(rng.uniform(0, 3, s), 4)
out = dict(made_by=f"scripts/peers/zonal.py, exactextract {exactextract.__version__}, GEOS {shapely.geos_version_string}, NumPy {np.__version__}",
           rasters=[raster(a, w(a.shape), 600000.0, 4400040.0, 10.0, 10.0), raster(b, w(b.shape), -3.0, 7.0, 0.25, 0.5)])
json.dump(out, open(sys.argv[1], "w"), separators=(",", ":"))
