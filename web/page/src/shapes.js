// Shapes of the data (whole numbers of 1e-7 degrees, each point as its step from the last) to OpenLayers geometries in
// Web Mercator.
//
//   null | [0, points] | [1, [line, …]] | [2, [[ring, …], …]] | [3, [shape, …]]

import GeometryCollection from 'ol/geom/GeometryCollection.js';
import MultiLineString from 'ol/geom/MultiLineString.js';
import MultiPoint from 'ol/geom/MultiPoint.js';
import MultiPolygon from 'ol/geom/MultiPolygon.js';
import Point from 'ol/geom/Point.js';
import Polygon from 'ol/geom/Polygon.js';

// radius of the sphere of EPSG:3857
const R = 6378137;
const TO_X = (R * Math.PI) / 180 / 1e7;
const TO_RAD = Math.PI / 180 / 1e7;
// where Web Mercator is square
const MAX_LAT = 850511287;

const mercatorY = (lat) => R * Math.log(Math.tan(Math.PI / 4 + (Math.max(-MAX_LAT, Math.min(MAX_LAT, lat)) * TO_RAD) / 2));
export const project = (lon, lat) => [lon * 1e7 * TO_X, mercatorY(lat * 1e7)];

function append(out, steps) {
  let x = 0;
  let y = 0;
  for (let i = 0; i + 1 < steps.length; i += 2) {
    x += steps[i];
    y += steps[i + 1];
    out.push(x * TO_X, mercatorY(y));
  }
  return out.length;
}

export function geometry(shape) {
  if (!shape) return null;
  const [kind, parts] = shape;
  const flat = [];
  if (kind === 0) {
    append(flat, parts);
    return flat.length === 2 ? new Point(flat) : new MultiPoint(flat, 'XY');
  }
  if (kind === 1) return new MultiLineString(flat, 'XY', parts.map((l) => append(flat, l)));
  if (kind === 2) {
    const ends = parts.map((rings) => rings.map((r) => append(flat, r)));
    return ends.length === 1 ? new Polygon(flat, 'XY', ends[0]) : new MultiPolygon(flat, 'XY', ends);
  }
  return new GeometryCollection(parts.map(geometry).filter(Boolean));
}
