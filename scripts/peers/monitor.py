#!/usr/bin/env python3
"""Answers of nrt for random seasonal pixels: tests/fixtures/peers/monitor.json.

usage: monitor.py OUT.json
Needs (PyPI): numpy xarray nrt.

120 pixels of 90 uneven dates in 7 years, a third of the looks missing, some with a break in the monitoring time, some with a step
in the history (for ROC). For each chart: mask (1 monitored, 2 unstable history, 3 break, 4 too few looks), day of the break
(since 1970-01-01), start of the history, process at the end, magnitude = median(look - prediction) since the start.
"""
import datetime as dt, importlib, json, sys, warnings
import numpy as np, xarray as xr
import nrt.monitor
from importlib.metadata import version

warnings.simplefilter("ignore"); rng = np.random.default_rng(7)
n, m = 90, 120; start = dt.date(2021, 1, 1); e = dt.date(1970, 1, 1)
days = np.sort(rng.choice(np.arange(16801, 16801 + 7 * 365, 2), n, replace=False)); t = days.astype("datetime64[D]"); past = days < (start - e).days
v = 0.4 + 0.15 * np.sin(2 * np.pi * days[:, None] / 365.25 + rng.uniform(0, 6, m)) + 0.03 * rng.normal(size=(n, m))
for k in range(m):
    if k % 3 == 0: v[days >= (start - e).days + rng.integers(30, 600), k] -= rng.uniform(.05, .3)
    if k % 5 == 1: v[days < 17600, k] += 0.2
v[rng.random((n, m)) < .02] -= .3; v[rng.random((n, m)) < .33] = np.nan; v[:, 7] = np.nan; v[12:, 8] = np.nan; v = np.round(v, 5)
a = xr.DataArray(v[:, :, None], dims=("time", "y", "x"), coords={"time": t.astype("datetime64[ns]"), "y": np.arange(m), "x": [0]})
RUNS = [("mosum", "MoSum", dict(trend=False, harmonic_order=2, h=0.25), dict(method="OLS")), ("mosum", "MoSum", dict(trend=True, harmonic_order=1, h=0.5), dict(method="OLS")),
        ("mosum", "MoSum", dict(trend=False, harmonic_order=2, h=0.25), dict(method="ROC", alpha=.05)), ("cusum", "CuSum", dict(trend=False, harmonic_order=2), dict(method="OLS")),
        ("cusum", "CuSum", dict(trend=True, harmonic_order=1, sensitivity=.01), dict(method="ROC", alpha=.01)),
        ("ewma", "EWMA", dict(trend=False, harmonic_order=2), dict(method="OLS", screen_outliers="Shewhart", L=5))]
out = []
for mod, cls, kw, fit in RUNS:
    c = getattr(importlib.import_module(f"nrt.monitor.{mod}"), cls)(save_fit_start=True, **kw); c.fit(dataarray=a[past], **fit); res = []
    for k in np.flatnonzero(~past):
        d = dt.datetime.combine(dt.date(1970, 1, 1) + dt.timedelta(int(days[k])), dt.time()); res.append(v[k][:, None] - c.predict(d)); c.monitor(array=v[k][:, None], date=d)
    mag = np.nanmedian(np.array(res), axis=0)[:, 0]; none = lambda x: None if not np.isfinite(x) else float(x)
    pr = np.asarray(c.process); pr = pr.reshape(m, -1)[:, 0] if pr.ndim < 3 else pr[0, :, 0]
    out.append(dict(process=mod, options={**kw, "fit": fit["method"]}, mask=c.mask[:, 0].astype(int).tolist(), day=(np.zeros(m, int) if c.detection_date is None else c.detection_date[:, 0].astype(int)).tolist(),
                    history_start=[int(x) for x in c.fit_start[:, 0]], value=[none(x) for x in pr], magnitude=[none(x) for x in mag]))
nan = [[None if np.isnan(x) else float(x) for x in v[:, k]] for k in range(m)]
json.dump(dict(made_by=f"scripts/peers/monitor.py, nrt {version('nrt')}, NumPy {np.__version__}", days=days.tolist(), start=(start - e).days, pixels=nan, runs=out), open(sys.argv[1], "w"), separators=(",", ":"))
