#!/usr/bin/env python3
"""Answers of pymannkendall and SciPy for random series: tests/fixtures/peers/trend.json.

usage: trend.py OUT.json
Needs (PyPI): numpy scipy pymannkendall.

regular: series at t = 1, 2, 3, ... (trend, noise, ties, autocorrelation); original, Hamed-Rao and seasonal (period 12) test.
irregular: series at uneven days with gaps, two looks of one day among some; theilslopes and kendalltau (tau-b, whose
numerator is S; the variance is Kendall's for ties in both, which kendalltau uses for its asymptotic p).
"""
import json, sys
import numpy as np, scipy, pymannkendall as mk
from scipy.stats import kendalltau, theilslopes

rng = np.random.default_rng(12)
none = lambda v: None if np.isnan(v) else float(v)
def named(r): return {k: none(getattr(r, k)) for k in ("s", "var_s", "z", "p", "slope", "intercept")}
regular = []
for k in range(40):
    n = int(rng.integers(26, 90)); e = rng.normal(size=n)
    if k % 4 == 1: e = np.round(e)                                   # ties
    if k % 4 == 2:
        for i in range(1, n): e[i] += 0.6 * e[i - 1]                 # autocorrelation
    v = e + rng.choice([0, 0.02, -0.1]) * np.arange(n)
    v = np.round(v, 6)
    s = v + 3 * np.sin(2 * np.pi * np.arange(n) / 12); s = np.round(s, 6)
    if k % 5 == 0 and n > 30: s[rng.choice(n, 5, replace=False)] = np.nan
    regular.append(dict(v=v.tolist(), original=named(mk.original_test(v)), hamed_rao=named(mk.hamed_rao_modification_test(v)),
                        seasonal_v=[None if np.isnan(x) else float(x) for x in s], seasonal=named(mk.seasonal_test(s, period=12))))
irregular = []
for k in range(40):
    n = int(rng.integers(5, 80)); d = np.sort(rng.choice(300 if k % 3 == 0 else 3000, n, replace=k % 3 == 0)); v = np.round(0.3 + 1e-5 * d + 0.05 * rng.normal(size=n), 2 if k % 2 else 8)
    if len(np.unique(d)) < 2: continue
    t = d / 365.25; r = theilslopes(v, t); q = kendalltau(t, v, method="asymptotic")
    irregular.append(dict(days=d.tolist(), v=v.tolist(), slope=float(r.slope), intercept=float(r.intercept), tau_b=float(q.statistic), p=float(q.pvalue)))
json.dump(dict(made_by=f"scripts/peers/trend.py, pymannkendall {mk.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}",
               regular=regular, irregular=irregular), open(sys.argv[1], "w"), separators=(",", ":"))
