#!/usr/bin/env python3
"""Are the answers the same? Holds heshan's planar run and every peer to exact GEOS distances.

usage: check.py RIVERS SITES DISTANCE HESHAN_SITES ANSWER...

HESHAN_SITES is heshan's layer `sites`, each ANSWER a file that jobs.py wrote. Prints one JSON object: `checks`, a list
of [what, found, bound, good], and heshan's sums. Bounds: hits equal; sum of distances 1e-6; areas inside 1e-3.

The peers decide with a buffer whose arcs are chords, which lie up to distance x (1 - cos(pi / 4 n)) inside the corridor
(n segments a quarter circle): a site that only touches that sliver is a hit by distance and none by the buffer. Such
sites are counted, by their exact distance, and shown; any other difference is a fault.
"""
import json
import math
import os
import sys

import numpy as np

import jobs


def relative(a, b):
    return abs(a - b) / max(abs(a), abs(b), 1e-300)


def main():
    rivers, sites, distance, screened, *answers = sys.argv[1:]
    import geopandas

    distance = float(distance)
    suffix = f"{distance:g}"
    table = geopandas.read_file(screened, engine="pyogrio", ignore_geometry=True)
    hit = (table[f"relation_{suffix}"] != "outside").to_numpy()
    ours = dict(zip(table["site_id"][hit], table["min_dist_m"][hit]))
    inside = float(table[f"inside_{suffix}_m2"].sum())
    told = {os.path.splitext(os.path.basename(a))[0]: json.load(open(a)) for a in answers}

    (_, lines), (ids, shapes) = jobs.read(rivers), jobs.read(sites)
    near = np.isin(ids, np.array(sorted(set(ours).union(*(set(t["ids"]) for t in told.values())))))
    exact = dict(zip(ids[near], jobs.distances(lines, shapes[near])))
    within = {i for i, d in exact.items() if d <= distance}

    checks = []

    def check(what, found, bound):
        checks.append([what, found, bound, bool(found <= bound)])

    check("sites in heshan's layer, less sites", abs(len(table) - len(ids)), 0)
    check("heshan: hits other than by exact GEOS distance", len(set(ours) ^ within), 0)
    total = sum(exact[i] for i in ours)
    check("heshan: sum of distances, relative", relative(sum(ours.values()), total), 1e-6)
    check("heshan: greatest difference of a distance, m", max(abs(ours[i] - exact[i]) for i in ours), 1e-3)
    sliver = distance * (1 - math.cos(math.pi / (4 * jobs.QUARTER)))
    for peer, t in told.items():
        other = within ^ set(t["ids"])
        slivers = {i for i in other if i in within and exact[i] > distance - sliver}
        check(f"{peer}: hits other than heshan's", len(other - slivers), 0)
        if slivers:
            check(f"{peer}: hits that its chords of up to {sliver:.1f} m miss", len(slivers), len(within) * 1e-3)
        check(f"{peer}: area inside against heshan's, relative", relative(t["inside_m2"], inside), 1e-3)
        if t["distance_m"] is not None:
            there = sum(exact[i] for i in t["ids"])
            check(f"{peer}: sum of distances, relative", relative(t["distance_m"], there), 1e-6)
    print(json.dumps({"checks": checks, "hits": len(ours), "inside_m2": inside, "distance_m": sum(ours.values())}))


if __name__ == "__main__":
    main()
