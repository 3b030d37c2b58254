#!/usr/bin/env python3
"""Count what data-samples/README.md expects of the made-up scenes, from the rectangles alone (without heshan).

usage: sample_scenes_answers.py        (needs numpy)
"""
import numpy as np

# metres east and south of the corner: left, top, right, bottom; cover before and after
CHANGES = [
    ((300, 240, 900, 660), "steppe", "bare"),
    ((1200, 300, 1560, 540), "steppe", "bare"),
    ((300, 1020, 840, 1440), "bare", "plants"),
    ((1140, 960, 1380, 1200), "bare", "water"),
    ((1500, 1320, 1800, 1620), "bare", "bare"),
]
CLOUD = (1530, 420, 200)  # middle and radius, of cells of 60 m

for sensor, metres in (("LC08", 30), ("S2", 20)):
    middle = (np.arange(1980 // metres) + 0.5) * metres
    x, y = np.meshgrid(middle, middle)
    cell = lambda v: 60 * np.floor(v / 60) + 30
    cloud = (cell(x) - CLOUD[0]) ** 2 + (cell(y) - CLOUD[1]) ** 2 < CLOUD[2] ** 2
    seen = {}
    for (left, top, right, bottom), before, after in CHANGES:
        n = int(((x >= left) & (x < right) & (y >= top) & (y < bottom) & ~cloud).sum())
        seen[before, after] = seen.get((before, after), 0) + n
    bare, water, plants = seen["steppe", "bare"], seen["bare", "water"], seen["bare", "plants"]
    print(f"{sensor}: loss {bare + water}, gain {plants}, new bare {bare}, new water {water}, cloud {int(cloud.sum())}")
