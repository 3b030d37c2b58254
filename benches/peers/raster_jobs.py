"""The raster jobs in the peers; each is run by raster.py in a process of its own and prints one line of JSON."""
import json
import os
import subprocess
import sys
import tempfile

LOSS = -0.15


def ndvi(red, nir):
    r, n = red.astype("float32"), nir.astype("float32")
    return (n - r) / (n + r)


def rasterio_difference(before, after, folder):
    """Windows of the file's own tiles, compressed by all threads."""
    import numpy as np
    import rasterio

    lost = 0
    with rasterio.open(before) as a, rasterio.open(after) as b:
        profile = dict(a.profile, count=1, dtype="float32", nodata=-9999, predictor=3, num_threads="all_cpus", interleave="band")
        with rasterio.open(os.path.join(folder, "difference.tif"), "w", **profile) as out:
            for _, window in a.block_windows(1):
                x, y = a.read([2, 3], window=window), b.read([2, 3], window=window)
                with np.errstate(invalid="ignore", divide="ignore"):
                    v = ndvi(*y) - ndvi(*x)
                v[(x[0] == 0) | (y[0] == 0)] = -9999
                lost += int(((v < LOSS) & (v > -9)).sum())
                out.write(v, 1, window=window)
    return lost


def gdal_calc(before, after, folder):
    """gdal_calc.py as its users call it; the answer is counted by raster.py from the file."""
    out = os.path.join(folder, "difference.tif")
    bands = [w for letter, f, n in (("A", before, 2), ("B", before, 3), ("C", after, 2), ("D", after, 3))
             for w in (f"-{letter}", f, f"--{letter}_band={n}")]
    formats = ["COMPRESS=DEFLATE", "PREDICTOR=3", "TILED=YES", "BLOCKXSIZE=512", "BLOCKYSIZE=512", "NUM_THREADS=ALL_CPUS"]
    subprocess.run(["gdal_calc.py", "--quiet", *bands, f"--outfile={out}", "--type=Float32", "--NoDataValue=-9999",
                    *[f"--co={f}" for f in formats], "--calc=(1.0*D-C)/(1.0*D+C)-(1.0*B-A)/(1.0*B+A)"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return None


def otb_mad(before, after, folder):
    """Orfeo Toolbox, one pass of MAD; it takes nodata as data."""
    out = os.path.join(folder, "mad.tif")
    subprocess.run(["otbcli_MultivariateAlterationDetector", "-in1", before, "-in2", after, "-out", out, "float", "-ram", "2048"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return None


def numpy_mad(before, after, folder):
    """Two passes over windows with NumPy and SciPy; no file is written."""
    import numpy as np
    import rasterio
    from scipy.linalg import eigh, inv
    from scipy.stats import chi2

    with rasterio.open(before) as a, rasterio.open(after) as b:
        windows = [w for _, w in a.block_windows(1)]

        def read(w):
            x = np.concatenate([a.read(window=w), b.read(window=w)]).reshape(8, -1).astype("float64")
            return x[:, (x[0] > 0) & (x[4] > 0)]

        n, s, c = 0, np.zeros(8), np.zeros((8, 8))
        for w in windows:
            x = read(w)
            n, s, c = n + x.shape[1], s + x.sum(1), c + x @ x.T
        mean = s / n
        c = c / n - np.outer(mean, mean)
        xx, yy, xy = c[:4, :4], c[4:, 4:], c[:4, 4:]
        squares, left = eigh(xy @ inv(yy) @ xy.T, xx)
        rho = np.sqrt(squares)
        right = inv(yy) @ xy.T @ left / rho
        limit, changed = chi2.isf(1e-4, 4), 0
        for w in windows:
            x = read(w)
            z = left.T @ (x[:4] - mean[:4, None]) - right.T @ (x[4:] - mean[4:, None])
            changed += int(((z ** 2 / (2 * (1 - rho))[:, None]).sum(0) > limit).sum())
    return changed


def classes(before, after, out):
    """What gdal_polygonize gets: 1 loss, 2 gain, 0 nodata. Not timed."""
    import numpy as np
    import rasterio

    with rasterio.open(before) as a, rasterio.open(after) as b:
        profile = dict(a.profile, count=1, dtype="uint8", nodata=0, predictor=1, compress="deflate")
        with rasterio.open(out, "w", **profile) as f:
            for _, window in a.block_windows(1):
                x, y = a.read([2, 3], window=window), b.read([2, 3], window=window)
                with np.errstate(invalid="ignore", divide="ignore"):
                    v = ndvi(*y) - ndvi(*x)
                seen = (x[0] > 0) & (y[0] > 0)
                f.write((seen * (1 * (v < np.float32(LOSS)) + 2 * (v > np.float32(-LOSS)))).astype("uint8"), 1, window=window)


def gdal_polygonize(before, after, folder):
    """From the classes, which it is given; components by edges, GeoPackage out."""
    out = os.path.join(folder, "polygons.gpkg")
    subprocess.run(["gdal_polygonize.py", "-q", before, out, "patches"], check=True, stdout=subprocess.DEVNULL)
    return None


JOBS = {f.__name__: f for f in (rasterio_difference, gdal_calc, otb_mad, numpy_mad, gdal_polygonize)}

if __name__ == "__main__":
    name, before, after = sys.argv[1:4]
    if name == "classes":
        classes(before, after, sys.argv[4])
        sys.exit()
    with tempfile.TemporaryDirectory(dir=sys.argv[4]) as folder:
        print(json.dumps({"answer": JOBS[name](before, after, folder)}))
