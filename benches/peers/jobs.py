#!/usr/bin/env python3
"""One peer screens one workload, in a process of its own.

usage: jobs.py PEER RIVERS SITES DISTANCE ANSWER

For each site within DISTANCE metres of a river: the area inside the corridor, and (geopandas, tiled) the exact distance
to the nearest river. Planar, in the CRS of the files. ANSWER becomes a JSON file with the identifiers of the sites
within, the sum of their areas inside (m2), the sum of their distances (m; null where the peer does not compute them),
and the seconds from after the imports to the end.
"""
import json
import sys
import time

import numpy as np

QUARTER = 16  # segments a quarter circle
CELL_M = 5_000.0  # width of the cells of `tiled`


def read(path):
    import geopandas

    table = geopandas.read_file(path, engine="pyogrio")
    ids = table["site_id"].to_numpy() if "site_id" in table else None
    return ids, np.asarray(table.geometry.values)


def segments(rivers):
    import shapely

    pairs = []
    for line in shapely.get_parts(rivers):
        c = shapely.get_coordinates(line)
        pairs.append(np.stack([c[:-1], c[1:]], axis=1))
    return shapely.linestrings(np.concatenate(pairs))


def distances(rivers, shapes):
    """Exact distance of each shape to the nearest river segment."""
    import shapely

    (at, _), d = shapely.STRtree(segments(rivers)).query_nearest(shapes, return_distance=True, all_matches=False)
    out = np.full(len(shapes), np.nan)
    out[at] = d
    return out


def corridor_of(rivers, distance):
    import shapely

    return shapely.union_all(shapely.buffer(rivers, distance, quad_segs=QUARTER))


def areas_inside(shapes, covers):
    """Area of each shape within the prepared polygon beside it; what lies wholly within is not cut."""
    import shapely

    whole = shapely.contains_properly(covers, shapes)
    out = shapely.area(shapes)
    out[~whole] = shapely.area(shapely.intersection(shapes[~whole], covers[~whole]))
    return out


def geopandas(rivers, sites, distance):
    """The plain way: one buffer, one tree over the sites."""
    import shapely

    (_, lines), (ids, shapes) = read(rivers), read(sites)
    corridor = corridor_of(lines, distance)
    shapely.prepare(corridor)
    hit = np.sort(shapely.STRtree(shapes).query(corridor, predicate="intersects"))
    inside = areas_inside(shapes[hit], np.full(len(hit), corridor))
    return ids[hit], inside.sum(), distances(lines, shapes[hit]).sum()


def tiled(rivers, sites, distance):
    """The same, the corridor cut into cells first: columns, then the columns into cells. Every cut is then small."""
    import shapely

    (_, lines), (ids, shapes) = read(rivers), read(sites)
    corridor = corridor_of(lines, distance)
    west, south, east, north = corridor.bounds
    lower = np.arange(south, north, CELL_M)
    cells = []
    for x in np.arange(west, east, CELL_M):
        column = shapely.clip_by_rect(corridor, x, south, x + CELL_M, north)
        cells.extend(shapely.clip_by_rect(column, x, y, x + CELL_M, y + CELL_M) for y in lower)
    cells = np.array([c for c in cells if not c.is_empty])
    shapely.prepare(cells)
    site, cell = shapely.STRtree(cells).query(shapes, predicate="intersects")
    inside = areas_inside(shapes[site], cells[cell])
    hit = np.unique(site)
    return ids[hit], inside.sum(), distances(lines, shapes[hit]).sum()


def sedonadb(rivers, sites, distance):
    import geopandas as gp
    import sedonadb as sedona

    db = sedona.connect()
    for name, path in [("rivers", rivers), ("sites", sites)]:
        db.create_data_frame(gp.read_file(path, engine="pyogrio")).to_view(name)
    found = db.sql(
        f"""select s.site_id as id, ST_Area(ST_Intersection(s.geometry, c.shape)) as inside
            from sites s
            join (select ST_Union_Agg(ST_Buffer(geometry, {distance}, 'quad_segs={QUARTER}')) as shape from rivers) c
            on ST_Intersects(s.geometry, c.shape)"""
    ).to_pandas()
    return found["id"].to_numpy(), found["inside"].sum(), None


def duckdb(rivers, sites, distance):
    import duckdb as duck

    db = duck.connect()
    try:
        db.execute("load spatial")
    except duck.Error:
        import duckdb_extensions

        duckdb_extensions.import_extension("spatial")
        db.execute("load spatial")
    found = db.execute(
        f"""with c as (select ST_Union_Agg(ST_Buffer(geom, {distance}, {QUARTER})) as shape from ST_Read('{rivers}'))
            select s.site_id, ST_Area(ST_Intersection(s.geom, c.shape))
            from ST_Read('{sites}') s join c on ST_Intersects(s.geom, c.shape)"""
    ).fetchnumpy()
    ids, inside = found.values()
    return np.asarray(ids), float(np.sum(inside)), None


PEERS = {"tiled": tiled, "geopandas": geopandas, "sedonadb": sedonadb, "duckdb": duckdb}
# imported before the clock starts: what a peer takes to start is not held against it
MODULES = {
    "tiled": ["geopandas", "shapely", "pyogrio"],
    "geopandas": ["geopandas", "shapely", "pyogrio"],
    "sedonadb": ["geopandas", "pyogrio", "sedonadb"],
    "duckdb": ["duckdb"],
}


def main():
    peer, rivers, sites, distance, answer = sys.argv[1:]
    for module in MODULES[peer]:
        __import__(module)
    clock = time.perf_counter()
    ids, inside, total = PEERS[peer](rivers, sites, float(distance))
    seconds = time.perf_counter() - clock
    with open(answer, "w") as f:
        json.dump(
            {
                "seconds": seconds,
                "ids": sorted(str(i) for i in ids),
                "inside_m2": float(inside),
                "distance_m": None if total is None else float(total),
            },
            f,
        )


if __name__ == "__main__":
    main()
