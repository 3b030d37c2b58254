// The map: layers in canvas, a graticule in place of a base map, the selection, before and after under a divider.

import Feature from 'ol/Feature.js';
import Map from 'ol/Map.js';
import View from 'ol/View.js';
import ScaleLine from 'ol/control/ScaleLine.js';
import { boundingExtent, buffer, createEmpty, extend, getCenter, intersects, isEmpty } from 'ol/extent.js';
import { defaults as interactions } from 'ol/interaction/defaults.js';
import Graticule from 'ol/layer/Graticule.js';
import ImageLayer from 'ol/layer/Image.js';
import VectorLayer from 'ol/layer/Vector.js';
import { getPointResolution } from 'ol/proj.js';
import { getRenderPixel } from 'ol/render.js';
import ImageStatic from 'ol/source/ImageStatic.js';
import VectorSource from 'ol/source/Vector.js';
import CircleStyle from 'ol/style/Circle.js';
import Fill from 'ol/style/Fill.js';
import Stroke from 'ol/style/Stroke.js';
import Style from 'ol/style/Style.js';
import Text from 'ol/style/Text.js';

import { css, edge } from './dom.js';
import { largeLayer, outlines } from './large.js';
import { geometry, project } from './shapes.js';
import { on, select, store } from './store.js';

// above so many features a layer is drawn by large.js
const LARGE = 1500;
const REACH_PX = 6;

let map;
let marks;
let graticule;
let pictures = [];
const swipe = { on: false, share: 0.5 };
export const theMap = () => map;

function symbol(draw, [r, g, b, a], width) {
  const dark = edge([r, g, b], store.theme);
  const px = Math.max(0.6, width * 3.78);
  if (draw === 'line') return new Style({ stroke: new Stroke({ color: css([r, g, b, 255]), width: Math.max(1.2, px) }) });
  if (draw === 'outline') return new Style({ stroke: new Stroke({ color: css([r, g, b, 255]), width: Math.max(1.2, px) }) });
  if (draw === 'point') {
    return new Style({ image: new CircleStyle({ radius: 5, fill: new Fill({ color: css([r, g, b, a]) }), stroke: new Stroke({ color: dark, width: 1 }) }) });
  }
  const fillStyle = new Fill({ color: css([r, g, b, a]) });
  const stroke = new Stroke({ color: dark, width: Math.min(px, 1.4) });
  // a layer may hold points and lines beside polygons
  return new Style({ fill: fillStyle, stroke, image: new CircleStyle({ radius: 5, fill: fillStyle, stroke }) });
}

function styles(layer) {
  const of = new globalThis.Map(layer.style.classes.map((c) => [c.value, symbol(layer.draw, c.rgba, c.width)]));
  const rest = symbol(layer.draw, layer.style.rest, 0.3);
  const at = layer.style.field;
  return (f) => {
    const row = f.row;
    if (!layer.pass[row]) return undefined;
    if (at === null || at === undefined) return rest;
    return of.get(String(layer.rows[row][at] ?? '')) || rest;
  };
}

function vector(layer) {
  const features = [];
  for (let i = 0; i < layer.n; i++) {
    const g = geometry(layer.shapes[i]);
    if (!g) continue;
    const f = new Feature(g);
    f.row = i;
    features.push(f);
  }
  layer.source = new VectorSource({ features, wrapX: false });
  layer.byRow = new globalThis.Map(features.map((f) => [f.row, f]));
  const shapes = features.length > LARGE ? outlines(features) : null;
  if (shapes) Object.assign(layer, largeLayer(layer, shapes));
  else {
    layer.drawn = new VectorLayer({ source: layer.source, style: styles(layer), visible: layer.on, renderBuffer: 40 });
    layer.restyle = () => layer.drawn.setStyle(styles(layer));
    layer.redraw = () => layer.drawn.changed();
  }
  return layer.drawn;
}

export function extentOf(layers) {
  const e = createEmpty();
  for (const l of layers) if (l.source && !l.source.isEmpty()) extend(e, l.source.getExtent());
  return isEmpty(e) ? boundingExtent([project(106, 39), project(107.5, 40)]) : e;
}

/** What lies under a pixel, top layer first. */
function under(coordinate, resolution) {
  const reach = REACH_PX * resolution;
  const box = buffer(boundingExtent([coordinate]), reach);
  const hits = [];
  for (const l of [...store.layers].reverse()) {
    if (!l.on) continue;
    const here = [];
    l.source.forEachFeatureInExtent(box, (f) => {
      if (!l.pass[f.row]) return;
      const g = f.getGeometry();
      const near = () => {
        const c = g.getClosestPoint(coordinate);
        return Math.hypot(c[0] - coordinate[0], c[1] - coordinate[1]) <= reach;
      };
      if (g.intersectsCoordinate(coordinate) || near()) here.push([l, f.row]);
    });
    here.sort((a, b) => a[1] - b[1]);
    hits.push(...here);
  }
  return hits;
}

export function start(scaleTarget) {
  map = new Map({
    controls: [new ScaleLine({ target: scaleTarget, minWidth: 90 })],
    // north stays up: the north arrow of a print must be true
    interactions: interactions({ altShiftDragRotate: false, pinchRotate: false }),
    layers: [...store.layers].map(vector),
    view: new View({ projection: 'EPSG:3857', enableRotation: false, maxZoom: 22 }),
    moveTolerance: 3,
  });
  marks = new VectorLayer({ source: new VectorSource(), style: highlight, zIndex: 1000 });
  map.addLayer(marks);
  addPictures();
  drawGraticule();
  map.on('singleclick', (e) => {
    const hits = under(e.coordinate, map.getView().getResolution());
    if (hits.length) select(hits[0][0], hits[0][1], { hits, from: 'map' });
    else select(null);
  });
  map.on('pointermove', (e) => {
    if (e.dragging) return;
    map.getTargetElement().classList.toggle('over', under(e.coordinate, map.getView().getResolution()).length > 0);
  });
  on('filter', () => store.layers.forEach((l) => l.redraw()));
  on('layers', () => store.layers.forEach((l) => l.drawn.setVisible(l.on)));
  on('select', mark);
  on('theme', () => { drawGraticule(); store.layers.forEach((l) => l.restyle()); });
}

/** Puts the map in its place, once the parts around it have their size: a map that grows is drawn twice. */
export function show(target) {
  map.setTarget(target);
  map.updateSize();
  home();
}

export const home = () => fit(extentOf(store.layers.some((l) => l.frame) ? store.layers.filter((l) => l.frame) : store.layers));
export const fit = (extent) => map.getView().fit(extent, { padding: [40, 40, 40, 40], maxZoom: 17 });

function highlight(f) {
  const ring = (color, width) => new Stroke({ color, width });
  const type = f.getGeometry().getType();
  if (type === 'Point' || type === 'MultiPoint') {
    return [new Style({ image: new CircleStyle({ radius: 10, stroke: ring('#fff', 5) }) }), new Style({ image: new CircleStyle({ radius: 10, stroke: ring('#0aa5ff', 3) }) })];
  }
  return [new Style({ stroke: ring('#fff', 6) }), new Style({ stroke: ring('#0aa5ff', 3) })];
}

function mark() {
  marks.getSource().clear();
  const s = store.selected;
  const f = s && s.layer.byRow.get(s.row);
  if (!f) return;
  marks.getSource().addFeature(new Feature(f.getGeometry()));
  const view = map.getView();
  const e = f.getGeometry().getExtent();
  if (s.zoom) fit(buffer(e, Math.max(e[2] - e[0], e[3] - e[1], 400) * 0.6));
  else if (s.from !== 'map' && !intersects(view.calculateExtent(map.getSize()), e)) view.setCenter(getCenter(e));
}

/** Rows of a layer that lie in the present view. */
export function rowsInView(layer) {
  const rows = new Set();
  if (!map.getSize()) return rows;
  const e = map.getView().calculateExtent(map.getSize());
  layer.source.forEachFeatureIntersectingExtent(e, (f) => void rows.add(f.row));
  return rows;
}

function drawGraticule() {
  if (graticule) map.removeLayer(graticule);
  const dark = store.theme === 'dark';
  const words = new Text({
    font: '11px system-ui, sans-serif', textBaseline: 'bottom',
    fill: new Fill({ color: dark ? '#aab6bd' : '#46545c' }), stroke: new Stroke({ color: dark ? '#14191c' : '#f6f8f7', width: 3 }),
  });
  const side = words.clone();
  side.setTextAlign('end');
  side.setTextBaseline('middle');
  graticule = new Graticule({
    strokeStyle: new Stroke({ color: dark ? 'rgba(150,170,180,0.28)' : 'rgba(70,90,100,0.25)', width: 1 }),
    showLabels: true, wrapX: false, lonLabelStyle: words, latLabelStyle: side, lonLabelPosition: 0.01, latLabelPosition: 0.995,
    lonLabelFormatter: (v) => degrees(v, 'E', 'W'), latLabelFormatter: (v) => degrees(v, 'N', 'S'), targetSize: 130,
    intervals: [90, 45, 30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001], zIndex: -5,
  });
  map.addLayer(graticule);
}

const degrees = (v, plus, minus) => `${Number(Math.abs(v).toFixed(3))}°${v < 0 ? minus : v > 0 ? plus : ''}`;

function addPictures() {
  const p = store.data.pictures;
  if (!p) return;
  pictures = ['before', 'after'].map((which) => new ImageLayer({
    source: new ImageStatic({ url: p[which].url, imageExtent: p[which].extent, projection: 'EPSG:3857', interpolate: true }),
    visible: false, zIndex: which === 'before' ? -3 : -2,
  }));
  pictures.forEach((l) => map.addLayer(l));
  const [before, after] = pictures;
  clip(before, (w) => [0, w * swipe.share]);
  clip(after, (w) => [w * swipe.share, w]);
}

function clip(layer, part) {
  layer.on('prerender', (e) => {
    const [w, h] = map.getSize();
    const [from, to] = part(w);
    const corner = (x, y) => getRenderPixel(e, [x, y]);
    const c = e.context;
    c.save();
    c.beginPath();
    for (const [i, at] of [[from, 0], [to, 0], [to, h], [from, h]].entries()) {
      const [x, y] = corner(...at);
      if (i) c.lineTo(x, y);
      else c.moveTo(x, y);
    }
    c.closePath();
    c.clip();
  });
  layer.on('postrender', (e) => e.context.restore());
}

export function setSwipe(isOn, share) {
  swipe.on = isOn;
  swipe.share = share;
  pictures.forEach((l) => l.setVisible(isOn));
  map.render();
}

/** Metres of ground for a CSS pixel in the middle of the map. */
export function groundResolution() {
  const v = map.getView();
  return getPointResolution('EPSG:3857', v.getResolution(), v.getCenter(), 'm');
}
