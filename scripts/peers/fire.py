#!/usr/bin/env python3
"""Fire detectors in NumPy, written from the papers' conditions; the fixture that tests/fire_detectors.rs compares with.

usage: fire.py [OUT_DIR]        (tests/fixtures/fire; needs NumPy alone)

Images come from a generator of whole numbers that the Rust test has too (LCG of 64 bits, Knuth's MMIX constants, upper 32
bits), so that only the answers are stored. Reflectances are thousandths as float32: k / 1000.

detect.bin   for each image, a byte a pixel: Schroeder + 3 * HOTMAP + 9 * GOLI; 0 none, 1 by neighbours, 2 by itself
thermal.bin  for each image, a byte a pixel: 0 no, 1 hot, 2 candidate without background; then float32 deltas of hot pixels
sagbt.txt    for each image: threshold, mean and deviation in kelvin, and pixels of lines
about.txt    versions, and how many pixels of each class
"""
import os, sys
import numpy as np

MASK = (1 << 64) - 1


class Lcg:
    def __init__(self, seed): self.s = seed
    def next(self):
        self.s = (self.s * 6364136223846793005 + 1442695040888963407) & MASK
        return self.s >> 32
    def draw(self, n): return self.next() % n


# kinds: 0 ground, 1 warm, 2 flame, 3 folded, 4 water, 5 lattice, 6 zero, 7 lattice with band 5 at or below 0, 8 saturated;
# 9 calm ground, 10 calm and dark, 11 to 12 and 15 candidates near the limits, 13 water near its limit, 14 near alpha's limit
MIXES = [[88, 3, 2, 1, 3, 1, 1, 0, 1], [30, 15, 10, 5, 15, 15, 3, 4, 3], [0, 0, 0, 5, 5, 80, 2, 6, 2],
         [0, 0, 0, 0, 0, 0, 0, 0, 0, 81, 0, 1, 0, 14, 1, 3]]
SIZES = [(130, 110), (120, 125), (75, 140), (100, 90)]
SATURATED = 1210


def kind(g, mix):
    n = g.draw(100)
    for k, m in enumerate(mix):
        if n < m: return k
        n -= m
    return 0


def pixel(g, k):
    if k == 0: return [b + g.draw(61) - 30 for b in (120, 110, 110, 130, 300, 300, 240)]
    if k == 1: return [100, 90, 80, 70, 180 + g.draw(200), 250 + g.draw(300), 350 + g.draw(700)]
    if k == 2: return [150, 140, 120, 100, 200 + g.draw(300), 400 + g.draw(600), 600 + g.draw(700)]
    if k == 3: return [100 + g.draw(200), 140, 120, 100, 300 + g.draw(200), 700 + g.draw(400), g.draw(300) - 100]
    if k == 9: return [b + g.draw(7) - 3 for b in (110, 100, 90, 80, 500, 350, 300)]
    if k == 10: return [b + g.draw(7) - 3 for b in (110, 100, 90, 80, 200, 150, 140)]
    if k == 11: return [100, 90, 80, 70, 140 + g.draw(20), 180 + g.draw(30), 350 + g.draw(60)]
    if k == 12: return [100, 90, 80, 70, 100 + g.draw(10), 120 + g.draw(20), 240 + g.draw(60)]
    if k == 13: p = 40 + g.draw(5); return [p + 180 + g.draw(41), 90, 95, 70, 60, 50, p]
    if k == 14: return [100, 90, 80, 70, 80, 80, 140 + g.draw(20)]
    if k == 15: return [100, 90, 80, 70, 50 + g.draw(30), 90, 210 + g.draw(50)]
    if k == 4: return [160 - 20 * i + g.draw(22) for i in range(7)]
    v = [50 * g.draw(33) - 100 for _ in range(7)]
    if k == 6: return [0] * 7
    if k == 7: v[4] = -10 * g.draw(3)
    if k == 8: v[5 + g.draw(2)] = SATURATED
    return v


def image(j):
    g, (w, h), mix = Lcg(1000 + j), SIZES[j], MIXES[j]
    b, seen = np.zeros((7, h, w), "int64"), np.zeros((h, w), "uint8")     # seen: 0 clear, 1 cloud, 2 no data
    for r in range(h):
        for c in range(w):
            k = kind(g, mix)
            if j == 1 and 20 <= r < 100 and 20 <= c < 100 and k == 0: k = 4   # a field without ground
            if j == 3: k = {13: 9, 15: 9}.get(k, k) if c < 50 else {9: 10, 11: 12}.get(k, k)
            b[:, r, c] = pixel(g, k)
            n = g.draw(100); seen[r, c] = 2 if n < 3 else 1 if n < 10 else 0
    return (b.astype("float32") / np.float32(1000)), seen


def ratio(a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(b > 0, a / b, np.where(a > 0, np.float32(np.inf), np.float32(np.nan))).astype("float32")


def dilate(m):
    p = np.pad(m, 1); h, w = m.shape; o = np.zeros_like(m)
    for i in range(3):
        for j in range(3): o |= p[i:i + h, j:j + w]
    return o


def stands_out(b7, r75, y, x, n, bg):
    s = np.s_[max(0, y - n):y + n + 1, max(0, x - n):x + n + 1]
    v7 = b7[s][bg[s]].astype("float64"); vr = r75[s][bg[s]].astype("float64"); vr = vr[np.isfinite(vr)]
    return len(v7) > 0 and len(vr) > 0 and r75[y, x] > vr.mean() + max(3 * vr.std(), 0.8) and b7[y, x] > v7.mean() + max(3 * v7.std(), 0.08)


def schroeder(b, data, clear):
    p1, p2, p3, p4, p5, p6, p7 = b; r = ratio(p7, p5)
    sure = (r > np.float32(2.5)) & (p7 - p5 > np.float32(0.3)) & (p7 > np.float32(0.5))
    sure |= (p6 > np.float32(0.8)) & (p1 < np.float32(0.2)) & ((p5 > np.float32(0.4)) | (p7 < np.float32(0.1)))
    maybe = (r > np.float32(1.8)) & (p7 - p5 > np.float32(0.17)) & (ratio(p7, p6) > np.float32(1.6))
    water = (p4 > p5) & (p5 > p6) & (p6 > p7) & (p1 - p7 < np.float32(0.2)) & ((p3 > p2) | (p1 > p2) & (p2 > p3) & (p3 > p4))
    bg = data & clear & (p7 > 0) & ~sure & ~water
    out = np.where(sure & data & ~water, 2, 0)
    for y, x in zip(*np.nonzero(maybe & ~sure & data & ~water)): out[y, x] = stands_out(p7, r, y, x, 30, bg)
    return out


def goli(b, data, clear):
    p1, p2, p3, p4, p5, p6, p7 = b; r = ratio(p7, p5); f = np.float32
    own = (p4 <= f(0.53) * p7 - f(0.214)) & data
    sure = own | dilate(own) & (p4 <= f(0.35) * p6 - f(0.044)) & data
    maybe = (p4 <= f(0.53) * p7 - f(0.125)) | (p6 <= f(1.08) * p7 - f(0.048))
    water = (p2 > p3) & (p3 > p4) & (p4 > p5)
    bg = data & clear & (p7 > 0) & ~sure & ~water & ~maybe
    out = np.where(sure & ~water, 2, 0)
    for y, x in zip(*np.nonzero(maybe & ~sure & data & ~water)):
        for n in range(2, 31):
            v = bg[max(0, y - n):y + n + 1, max(0, x - n):x + n + 1]
            if v.sum() >= 0.25 * v.size: out[y, x] = stands_out(p7, r, y, x, n, bg); break
    return out


def hotmap(b, data):
    _, _, _, _, p5, p6, p7 = b; f = np.float32; top = f(SATURATED) / f(1000)
    alpha = (ratio(p7, p6) >= f(1.4)) & (ratio(p7, p5) >= f(1.4)) & (p7 >= f(0.15)) & data
    beta = ((ratio(p6, p5) >= f(2)) & (p6 >= f(0.5)) | (p6 >= top) | (p7 >= top)) & data
    return np.where(alpha, 2, np.where(beta & dilate(alpha), 1, 0))


# reach, k, floor, share, split
THERMAL = [((90, 80), (5, 4.0, 5.0, 0.25, None)), ((80, 95), (15, 3.0, 3.0, 0.5, None)), ((85, 85), (7, 4.0, 4.0, 0.25, 0.1))]


def thermal_image(j):
    g, (w, h) = Lcg(2000 + j), THERMAL[j][0]
    t, d = np.zeros((h, w), "int64"), np.zeros((h, w), "int64"); state = np.zeros((h, w), "uint8")  # 0 clear, 1 cloud, 2 no data, 3 water
    for r in range(h):
        for c in range(w):
            t[r, c] = 295000 + 90 * c + 40 * r + g.draw(1201) - 600; d[r, c] = 500 + g.draw(121) - 60
            n = g.draw(100)
            if n < 4: t[r, c] += 2000 + g.draw(14000); d[r, c] += g.draw(400)
            if n == 5: t[r, c] = 0
            n = g.draw(100); state[r, c] = 1 if n < 6 else 2 if n < 8 else 3 if n < 14 else 0
            if j == 1 and 30 <= r < 70 and 20 <= c < 60 and g.draw(10) > 2: state[r, c] = 1
    return t, d, state


def thermal(j):
    (w, h), (n, k, floor, share, split) = THERMAL[j]; t, d, state = thermal_image(j)
    kelvin = (t.astype("float64") / 1000).astype("float32"); dk = (d.astype("float64") / 1000).astype("float32")
    ok = (state == 0) & (kelvin >= 150) & (kelvin <= 1500)
    m, dm = np.round(kelvin.astype("float64") * 1000), np.round(dk.astype("float64") * 1000)
    win = lambda y, x: np.s_[max(0, y - n):y + n + 1, max(0, x - n):x + n + 1]
    cand = np.zeros((h, w), bool)
    for y, x in zip(*np.nonzero(ok)):
        v = m[win(y, x)][ok[win(y, x)]]
        cand[y, x] = len(v) * (m[y, x] - 500 * floor) >= v.sum()
    bg = ok & ~cand; out, delta = np.zeros((h, w), "uint8"), []
    for y, x in zip(*np.nonzero(cand)):
        s = win(y, x); v = m[s][bg[s]]
        if len(v) == 0 or len(v) < share * bg[s].size: out[y, x] = 2; continue
        med = np.median(v); mad = np.median(np.abs(v - med)); e = (m[y, x] - med) / 1000
        if e > floor and e > k * 1.4826 * mad / 1000 and (split is None or (dm[y, x] - np.median(dm[s][bg[s]])) / 1000 >= split):
            out[y, x] = 1; delta.append(np.float32(e))
    return out, np.array(delta, "<f4")


def sagbt_image(j):
    """Hundredths of a kelvin above 150 K: hot discs with soft edges on rough ground, some pixels unknown (0)."""
    g, n = Lcg(3000 + j), 90 + 10 * j; t = np.zeros((n, n), "int64")
    discs = [(g.draw(n), g.draw(n), 4 + g.draw(10), 500 + g.draw(3000)) for _ in range(6)]
    for r in range(n):
        for c in range(n):
            v = 14500 + 4 * c + 3 * r + g.draw(101)
            for x, y, size, hot in discs:
                d = max(abs(c - x), abs(r - y))               # squares: whole numbers alone
                if d < size: v += hot
                elif d < size + 5: v += hot * (size + 5 - d) // 5
            t[r, c] = 0 if g.draw(100) == 0 else v
    return t


def thin(on):
    """Zhang & Suen 1984."""
    m = np.pad(on, 1).astype("uint8")
    while True:
        before = m.sum()
        for first in (True, False):
            p = [m[:-2, 1:-1], m[:-2, 2:], m[1:-1, 2:], m[2:, 2:], m[2:, 1:-1], m[2:, :-2], m[1:-1, :-2], m[:-2, :-2]]
            n = sum(x.astype(int) for x in p); a = sum(((p[k] == 0) & (p[(k + 1) % 8] == 1)).astype(int) for k in range(8))
            N, E, S, W = p[0], p[2], p[4], p[6]
            side = (N * E * S == 0) & (E * S * W == 0) if first else (N * E * W == 0) & (N * S * W == 0)
            gone = (m[1:-1, 1:-1] == 1) & (n >= 2) & (n <= 6) & (a == 1) & side; m[1:-1, 1:-1][gone] = 0
        if m.sum() == before: return m[1:-1, 1:-1].astype(bool)


def sagbt(t):
    ok = t > 0; v = t[ok].astype("float64"); mean, sd = v.mean(), v.std(); z = t.astype("float64")
    gx = np.zeros(t.shape); gy = gx.copy(); whole = np.zeros(t.shape, bool)
    gx[1:-1, 1:-1] = (z[:-2, 2:] + 2 * z[1:-1, 2:] + z[2:, 2:]) - (z[:-2, :-2] + 2 * z[1:-1, :-2] + z[2:, :-2])
    gy[1:-1, 1:-1] = (z[2:, :-2] + 2 * z[2:, 1:-1] + z[2:, 2:]) - (z[:-2, :-2] + 2 * z[:-2, 1:-1] + z[:-2, 2:])
    h, w = t.shape; whole[1:-1, 1:-1] = np.all([ok[i:h - 2 + i, j:w - 2 + j] for i in range(3) for j in range(3)], axis=0)
    g = np.sqrt(gx * gx + gy * gy) / 8; gm, gs = g[whole].mean(), g[whole].std(); total, n = 0.0, 0
    for low in (0.5, 0.75, 1.0, 1.25, 1.5):
        line = thin(whole & (g >= gm + low * gs) & (g <= gm + 3.2 * gs)) & (z > mean + sd); total += z[line].sum(); n += int(line.sum())
    return total / n / 100 + 150, mean / 100 + 150, sd / 100, n


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else "tests/fixtures/fire"; os.makedirs(out, exist_ok=True)
    about = [f"made by scripts/peers/fire.py with NumPy {np.__version__}"]
    with open(f"{out}/detect.bin", "wb") as f:
        for j in range(len(SIZES)):
            b, seen = image(j); data, clear = seen != 2, seen == 0
            s, h, g = schroeder(b, data, clear), hotmap(b, data), goli(b, data, clear)
            f.write((s + 3 * h + 9 * g).astype("uint8").tobytes())
            about.append(f"image {j}: " + "; ".join(f"{n} by neighbours {int((v == 1).sum())}, by itself {int((v == 2).sum())}" for n, v in (("schroeder", s), ("hotmap", h), ("goli", g))))
    with open(f"{out}/thermal.bin", "wb") as f:
        for j in range(len(THERMAL)):
            o, d = thermal(j); f.write(o.tobytes() + d.tobytes())
            about.append(f"thermal {j}: hot {len(d)}, without background {int((o == 2).sum())}")
    with open(f"{out}/sagbt.txt", "w") as f:
        for j in range(3): f.write(" ".join(repr(float(x)) for x in sagbt(sagbt_image(j))) + "\n")
    open(f"{out}/about.txt", "w").write("\n".join(about) + "\n"); print("\n".join(about))


main()
