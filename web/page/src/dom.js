// Elements without HTML: names, attributes, text and children.

const SVG = 'http://www.w3.org/2000/svg';

function made(node, props, children) {
  for (const [k, v] of Object.entries(props || {})) {
    if (v === null || v === undefined || v === false) continue;
    if (k === 'on') for (const [event, f] of Object.entries(v)) node.addEventListener(event, f);
    else if (k === 'text') node.textContent = v;
    else if (k === 'checked' || k === 'value' || k === 'disabled' || k === 'open' || k === 'selected') node[k] = v;
    else node.setAttribute(k, v === true ? '' : v);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

export const el = (tag, props, ...children) => made(document.createElement(tag), props, children);
export const svg = (tag, props, ...children) => made(document.createElementNS(SVG, tag), props, children);
export const fill = (node, ...children) => node.replaceChildren(...children.flat().filter(Boolean));
export const $ = (id) => document.getElementById(id);

export const css = ([r, g, b, a]) => `rgba(${r},${g},${b},${(a / 255).toFixed(3)})`;

/** The colour of an edge: darker than the area on light ground, lighter on dark ground. */
export const edge = ([r, g, b], theme) => css(theme === 'dark' ? [r, g, b].map((v) => 255 - ((255 - v) * 2) / 3).concat(255) : [r >> 1, g >> 1, b >> 1, 255]);

/** The sign of a class as the map draws it; an SVG, since the page allows no inline styles. */
export function swatch(draw, rgba, size = 16) {
  const [r, g, b] = rgba;
  const dark = `rgb(${r >> 1},${g >> 1},${b >> 1})`;
  const s = svg('svg', { width: size, height: size, viewBox: '0 0 16 16', class: 'swatch', 'aria-hidden': 'true' });
  if (draw === 'line') s.append(svg('path', { d: 'M1 12 Q6 3 15 5', fill: 'none', stroke: css([r, g, b, 255]), 'stroke-width': 2.5 }));
  else if (draw === 'point') s.append(svg('circle', { cx: 8, cy: 8, r: 5, fill: css(rgba), stroke: dark }));
  else if (draw === 'outline') s.append(svg('rect', { x: 2, y: 3, width: 12, height: 10, fill: 'none', stroke: css([r, g, b, 255]), 'stroke-width': 2 }));
  else s.append(svg('rect', { x: 2, y: 3, width: 12, height: 10, fill: css(rgba), stroke: dark }));
  return s;
}

/** A target: fonts differ in what signs they hold. */
export const target = () => svg('svg', { width: 14, height: 14, viewBox: '0 0 14 14', class: 'target', 'aria-hidden': 'true' },
  svg('circle', { cx: 7, cy: 7, r: 4 }), svg('path', { d: 'M7 0V4M7 10V14M0 7H4M10 7H14' }));
