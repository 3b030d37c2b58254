// A layer of many features drawn straight to a canvas: one path a batch of features of a class, vertices closer than a
// pixel left out, features below a pixel as dots. The picture moves with the map and is redrawn when the map stands still.

import ImageLayer from 'ol/layer/Image.js';
import ImageCanvas from 'ol/source/ImageCanvas.js';

import { css, edge } from './dom.js';
import { store } from './store.js';

// long paths cost more than their parts
const BATCH = 120;
const NEAR_PX = 0.8;
const DOT_PX = 1.5;

/** One shape as the loop below wants it: closed or not, flat coordinates, ends of its parts, box. */
function outline(g) {
  const type = g.getType();
  if (type === 'GeometryCollection') return null;
  const ends = type === 'MultiPolygon' ? g.getEndss().flat() : g.getEnds ? g.getEnds() : [];
  const kind = type.endsWith('Polygon') ? 2 : type.endsWith('LineString') ? 1 : 0;
  return { kind, flat: Float64Array.from(g.getFlatCoordinates()), ends, box: g.getExtent() };
}

/** Shapes by row; null where one cannot be drawn this way, and the layer is drawn by OpenLayers. */
export function outlines(features) {
  const out = features.map((f) => ({ row: f.row, ...outline(f.getGeometry()) }));
  return out.every((o) => o.flat) ? out : null;
}

function trace(c, o, at) {
  const { flat, ends, kind } = o;
  let i = 0;
  for (const end of ends) {
    let [x, y] = [at.x(flat[i]), at.y(flat[i + 1])];
    c.moveTo(x, y);
    for (i += 2; i < end; i += 2) {
      const [nx, ny] = [at.x(flat[i]), at.y(flat[i + 1])];
      if (Math.abs(nx - x) < NEAR_PX && Math.abs(ny - y) < NEAR_PX && i + 2 < end) continue;
      c.lineTo(nx, ny);
      x = nx;
      y = ny;
    }
    if (kind === 2) c.closePath();
  }
}

function dots(c, o, at, radius) {
  for (let i = 0; i + 1 < o.flat.length; i += 2) {
    const [x, y] = [at.x(o.flat[i]), at.y(o.flat[i + 1])];
    c.moveTo(x + radius, y);
    c.arc(x, y, radius, 0, 2 * Math.PI);
  }
}

/** Draws features of one class; small ones as dots of the fill's colour. */
function drawClass(c, shapes, symbol, at, ratio) {
  const { rgba, draw } = symbol;
  const solid = css([rgba[0], rgba[1], rgba[2], 255]);
  const dark = edge(rgba, store.theme);
  c.lineJoin = 'round';
  c.lineWidth = (draw === 'line' || draw === 'outline' ? 1.4 : 0.9) * ratio;
  c.strokeStyle = draw === 'line' || draw === 'outline' ? solid : dark;
  c.fillStyle = css(rgba);
  let n = 0;
  const flush = (kind) => {
    // even-odd would turn overlaps of two features into holes, non-zero would fill holes whose ring runs the wrong way:
    // rings run as OGC says, for the program writes them so
    if (n && kind !== 1 && draw !== 'outline') c.fill('nonzero');
    if (n) c.stroke();
    c.beginPath();
    n = 0;
  };
  c.beginPath();
  let last = null;
  const specks = [];
  for (const o of shapes) {
    if (o.kind !== last || n >= BATCH) flush(last);
    last = o.kind;
    const size = Math.max(o.box[2] - o.box[0], o.box[3] - o.box[1]) * at.scale;
    if (o.kind !== 0 && size < DOT_PX * ratio) {
      specks.push(o);
      continue;
    }
    if (o.kind === 0) dots(c, o, at, 4.5 * ratio);
    else trace(c, o, at);
    n++;
  }
  flush(last);
  c.fillStyle = solid;
  const side = DOT_PX * ratio;
  for (const o of specks) c.fillRect(at.x((o.box[0] + o.box[2]) / 2) - side / 2, at.y((o.box[1] + o.box[3]) / 2) - side / 2, side, side);
}

export function largeLayer(layer, shapes) {
  const at = layer.style.field;
  const place = new Map(layer.style.classes.map((c, i) => [c.value, i]));
  const symbols = [...layer.style.classes.map((c) => ({ rgba: c.rgba, draw: layer.draw })), { rgba: layer.style.rest, draw: layer.draw }];
  const classOf = (row) => (at === null || at === undefined ? undefined : place.get(String(layer.rows[row][at] ?? ''))) ?? symbols.length - 1;
  for (const o of shapes) o.class = classOf(o.row);

  const canvas = document.createElement('canvas');
  const canvasFunction = (extent, resolution, ratio, size) => {
    [canvas.width, canvas.height] = size.map(Math.round);
    const c = canvas.getContext('2d');
    const scale = ratio / resolution;
    const way = { scale, x: (x) => (x - extent[0]) * scale, y: (y) => (extent[3] - y) * scale };
    const groups = symbols.map(() => []);
    for (const o of shapes) {
      const [w, s, e, n] = o.box;
      if (layer.pass[o.row] && e >= extent[0] && w <= extent[2] && n >= extent[1] && s <= extent[3]) groups[o.class].push(o);
    }
    groups.forEach((g, i) => drawClass(c, g, symbols[i], way, ratio));
    return canvas;
  };
  const source = new ImageCanvas({ canvasFunction, ratio: 1.5, projection: 'EPSG:3857' });
  const drawn = new ImageLayer({ source, visible: layer.on });
  const redraw = () => source.changed();
  return { drawn, redraw, restyle: redraw };
}
