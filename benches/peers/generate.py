#!/usr/bin/env python3
"""A screening workload for where ../shared/peers is absent: rivers.fgb and sites.fgb in EPSG:4545.

usage: generate.py OUT_DIR --sites N --river-vertices N

One winding river and twelve tributaries; star-shaped sites of 12 to 400 vertices, 15 % with a hole, 5 % of two parts,
uniform in 120 km x 160 km. The same arguments give the same files (with the same NumPy).
"""
import argparse
import os

import geopandas
import numpy as np
import shapely

WEST, SOUTH, WIDTH, HEIGHT = 340_000.0, 4_300_000.0, 120_000.0, 160_000.0


def course(rng, start, end, n, waves):
    """A sine-generated curve (Langbein & Leopold 1966) from start to end, n vertices."""
    s = np.arange(n) / n
    swings = [(0.9, waves), (0.45, 3.7 * waves), (0.25, n / 60)]
    direction = sum(w * np.sin(2 * np.pi * f * s + rng.uniform(0, 2 * np.pi)) for w, f in swings)
    z = np.concatenate([[0], np.cumsum(np.exp(1j * direction[:-1]))])
    a, b = complex(*start), complex(*end)
    z = a + (b - a) * z / z[-1]
    return np.column_stack([z.real, z.imag])


def rivers(rng, vertices):
    stem = course(rng, (WEST + 55_000, SOUTH), (WEST + 70_000, SOUTH + HEIGHT), vertices // 2, 7)
    lines, names, classes = [stem], ["main stem"], ["main"]
    for k in range(12):
        mouth = stem[(2 * k + 1) * len(stem) // 24]
        side = 1 if k % 2 else -1
        head = mouth + [side * rng.uniform(15_000, 45_000), rng.uniform(-10_000, 10_000)]
        lines.append(course(rng, head, mouth, max(vertices // 24, 10), 3))
        names.append(f"tributary {k + 1}")
        classes.append("tributary")
    return geopandas.GeoDataFrame(
        {"name": names, "class": classes}, geometry=[shapely.LineString(c) for c in lines], crs=4545
    )


def star(rng, x, y):
    size = float(np.clip(np.exp(rng.normal(np.log(220), 0.8)), 30, 3_000))
    t = np.linspace(0, 2 * np.pi, int(np.exp(rng.uniform(np.log(12), np.log(401)))), endpoint=False)
    r = size * (1 + sum(a * np.sin(f * t + rng.uniform(0, 2 * np.pi)) for f, a in [(2, 0.2), (5, 0.15), (11, 0.08)]))
    shell = np.column_stack([x + r * np.cos(t), y + r * np.sin(t)])
    if rng.random() >= 0.15:
        return shapely.Polygon(shell)
    t = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    return shapely.Polygon(shell, [np.column_stack([x + 0.3 * size * np.cos(t), y - 0.3 * size * np.sin(t)])])


def sites(rng, n):
    shapes = []
    for _ in range(n):
        x, y = rng.uniform(WEST, WEST + WIDTH), rng.uniform(SOUTH, SOUTH + HEIGHT)
        shape = star(rng, x, y)
        if rng.random() < 0.05:
            # farther than two of the largest stars: the parts never touch
            shape = shapely.MultiPolygon([shape, star(rng, x + 11_000 * rng.choice([-1, 1]), y)])
        shapes.append(shape)
    kinds = rng.choice(["mine", "tailings_pond", "waste_dump", "gangue_pile", "industrial"], n)
    ids = [f"S{k:07d}" for k in range(n)]
    return geopandas.GeoDataFrame({"site_id": ids, "kind": kinds}, geometry=shapes, crs=4545)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--sites", type=int, required=True)
    p.add_argument("--river-vertices", type=int, required=True)
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    rng = np.random.default_rng(1)
    rivers(rng, a.river_vertices).to_file(os.path.join(a.out, "rivers.fgb"), engine="pyogrio")
    sites(rng, a.sites).to_file(os.path.join(a.out, "sites.fgb"), engine="pyogrio")


if __name__ == "__main__":
    main()
