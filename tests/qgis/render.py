#!/usr/bin/python3
"""Opens a GeoPackage of heshan in QGIS as a user would, says which styles QGIS applied, and draws a map.

    QT_QPA_PLATFORM=offscreen /usr/bin/python3 tests/qgis/render.py OUT.gpkg MAP.png [west,south,east,north]

Fails where a layer has no style of its own, or none of its classes has a label. Needs qgis and python3-qgis;
tests/lists.rs runs it where they are installed, and says so where they are not.
"""

import sys

from qgis.core import (
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProviderRegistry,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

# from the bottom of the map to its top
ORDER = ["corridor", "rivers", "sites", "clipped", "zones"]
ORDER += ["restore", "terrain", "trend", "monitor", "transitions", "patches", "issue_areas", "issue_lines", "issue_points"]
ORDER += ["fire_tracks"]


def opened(path, name):
    """The layer as QGIS opens it, and whether its look is that of the style in the file and not QGIS's own."""
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    assert layer.isValid(), f"{name} does not open"
    plain = QgsVectorLayer(f"{path}|layername={name}", name, "ogr", QgsVectorLayer.LayerOptions(False))
    plain.loadDefaultStyle()
    return layer, layer.renderer().dump() == plain.renderer().dump()


def classes(layer):
    renderer = layer.renderer()
    if renderer.type() == "categorizedSymbol":
        return {c.value(): c.label() for c in renderer.categories()}
    return {"": renderer.symbol().color().name()}


def main(path, png, extent):
    app = QgsApplication([], False)
    app.initQgis()
    ends = QgsProviderRegistry.instance().querySublayers(path)
    names = [e.name() for e in ends]
    print("layers:", ", ".join(sorted(names)))
    layers = []
    for name in [n for n in ORDER if n in names]:
        layer, applied = opened(path, name)
        print(f"{name}: {layer.featureCount()} features, style applied: {applied}, {layer.renderer().type()}")
        print("   ", classes(layer))
        print("   ", [f.alias() for f in layer.fields() if f.alias()])
        assert applied, f"{name} has no default style"
        layers.insert(0, layer)
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setBackgroundColor(QColor("white"))
    settings.setOutputSize(QSize(1400, 1000))
    settings.setDestinationCrs(layers[0].crs())
    if extent:
        rectangle = QgsRectangle(*map(float, extent.split(",")))
    else:
        sites = [l for l in layers if l.name() == "sites"] or layers
        rectangle = QgsRectangle()
        for l in sites:
            rectangle.combineExtentWith(l.extent())
        rectangle.scale(1.3)
    settings.setExtent(rectangle)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    assert job.renderedImage().save(png)
    # what is left of QGIS's objects when it ends brings it down
    layers = layer = sites = l = job = settings = None
    app.exitQgis()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
