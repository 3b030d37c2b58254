// Charts as SVG drawn from figures, each with its figures as a table beside it.

import { $, el, fill, svg } from './dom.js';
import { keyOf, on, store } from './store.js';
import { both, count, label, shown, t } from './text.js';

const COLOURS = ['#c8281e', '#2f7d4f', '#e08a1a', '#3b6fb5', '#8a4fa0', '#7a7f85', '#b5892a', '#2a9d9d'];
const W = 560;
const MOST_UNITS = 14;

function niceStep(range, parts) {
  const raw = range / parts || 1;
  const ten = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((m) => m * ten).find((s) => s >= raw);
}

function scaleOf(values, whole) {
  const low = Math.min(0, ...values);
  const high = Math.max(...values, low + 1e-9);
  // counts have no halves
  const step = Math.max(whole ? 1 : 0, niceStep(high - low, 5));
  const from = Math.floor(low / step) * step;
  const to = Math.ceil(high / step) * step;
  const ticks = [];
  for (let v = from; v <= to + step / 2; v += step) ticks.push(Number(v.toPrecision(12)));
  return { from, to, ticks };
}

const text = (x, y, words, anchor, extra = {}) => svg('text', { x, y, 'text-anchor': anchor, text: words, ...extra });

function figure(title, drawing, table, items) {
  return el('figure', { class: 'chart' },
    el('figcaption', { text: title }),
    items && items.length > 1 ? el('ul', { class: 'keys' }, items.map(([colour, name]) => el('li', {},
      svg('svg', { width: 12, height: 12, 'aria-hidden': 'true' }, svg('rect', { width: 12, height: 12, fill: colour })), el('span', { text: name })))) : null,
    drawing,
    el('details', {}, el('summary', { text: t('dataTable') }), el('div', { class: 'chart-table', tabindex: '0' }, table)));
}

function dataTable(head, rows) {
  return el('table', {}, el('thead', {}, el('tr', {}, head.map((h) => el('th', { scope: 'col', text: h })))),
    el('tbody', {}, rows.map((r) => el('tr', {}, r.map((v, i) => el(i ? 'td' : 'th', i ? { class: 'num' } : { scope: 'row' }, el('bdi', { text: v === null ? '' : String(v) })))))));
}

function lines(c) {
  const H = 240;
  const [left, right, top, bottom] = [46, 14, 10, 34];
  const series = c.series.map((s, i) => ({ name: both(s.name), values: s.values, colour: COLOURS[i % COLOURS.length] }));
  const all = series.flatMap((s) => s.values.filter((v) => v !== null));
  const y = scaleOf(all.length ? all.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]) : [0, 1], all.every(Number.isInteger));
  const n = c.x.length;
  const px = (i) => left + (n > 1 ? (i / (n - 1)) * (W - left - right) : (W - left - right) / 2);
  const py = (v) => top + (1 - (v - y.from) / (y.to - y.from)) * (H - top - bottom);
  const title = both(c.title);
  const s = svg('svg', { viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': title, class: 'drawing' });
  for (const v of y.ticks) {
    s.append(svg('line', { x1: left, x2: W - right, y1: py(v), y2: py(v), class: v === 0 ? 'axis' : 'rule' }), text(left - 6, py(v) + 4, count(v), 'end'));
  }
  const most = Math.min(6, n);
  for (let k = 0; k < most; k++) {
    const i = most > 1 ? Math.round((k * (n - 1)) / (most - 1)) : 0;
    s.append(text(px(i), H - 12, label(c.x[i], 12), k === 0 && n > 1 ? 'start' : k === most - 1 && n > 1 ? 'end' : 'middle'));
  }
  for (const one of series) {
    let d = '';
    let pen = false;
    one.values.forEach((v, i) => {
      // a day without a figure breaks the line
      if (v === null) { pen = false; return; }
      d += `${pen ? 'L' : 'M'}${px(i).toFixed(1)} ${py(v).toFixed(1)}`;
      pen = true;
    });
    s.append(svg('path', { d, fill: 'none', stroke: one.colour, 'stroke-width': 2, 'stroke-linejoin': 'round' }));
    if (n === 1 && one.values[0] !== null) s.append(svg('circle', { cx: px(0), cy: py(one.values[0]), r: 3, fill: one.colour }));
  }
  const table = dataTable([both(c.xTitle) || '', ...series.map((x) => x.name)], c.x.map((x, i) => [label(x, 40), ...series.map((one) => one.values[i])]));
  return figure(title, s, table, series.map((x) => [x.colour, x.name]));
}

function bars(c) {
  const rowH = 24;
  const left = 170;
  const right = 48;
  const n = c.x.length;
  const H = n * rowH + 26;
  const sums = c.x.map((_, i) => c.series.reduce((a, s) => a + (s.values[i] || 0), 0));
  const x = scaleOf([0, sums.reduce((a, b) => Math.max(a, b), 0)], sums.every(Number.isInteger));
  const px = (v) => left + (v / x.to) * (W - left - right);
  const title = both(c.title);
  const s = svg('svg', { viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': title, class: 'drawing' });
  for (const v of x.ticks) s.append(svg('line', { x1: px(v), x2: px(v), y1: 0, y2: H - 20, class: v === 0 ? 'axis' : 'rule' }), text(px(v), H - 6, count(v), 'middle'));
  const colour = (one, k) => one.colour || COLOURS[k % COLOURS.length];
  c.x.forEach((name, i) => {
    let from = 0;
    s.append(text(left - 8, i * rowH + 16, label(both(name), 13), 'end'));
    c.series.forEach((one, k) => {
      const v = one.values[i] || 0;
      if (v > 0) s.append(svg('rect', { x: px(from), y: i * rowH + 4, width: Math.max(0.5, px(from + v) - px(from)), height: rowH - 8, fill: colour(one, k) }));
      from += v;
    });
    s.append(text(px(from) + 5, i * rowH + 16, count(Number(sums[i].toFixed(3))), 'start'));
  });
  const names = c.series.map((one) => both(one.name));
  const table = dataTable([both(c.xTitle) || '', ...names], c.x.map((name, i) => [label(both(name), 60), ...c.series.map((one) => one.values[i])]));
  return figure(title, s, table, c.series.map((one, k) => [colour(one, k), names[k]]));
}

/** Features shown of a layer, by unit and state. */
function progress(l) {
  const has = (r) => l.roles[r] !== undefined && l.roles[r] !== null;
  if (!has('unit') || !has('state') || !l.passed) return null;
  const cells = new Map();
  const states = new Map();
  const at = l.roles.state;
  for (let i = 0; i < l.n; i++) {
    if (!l.pass[i]) continue;
    const unit = label(keyOf(l, 'unit', i), 60) || t('none');
    const state = String(l.rows[i][at] ?? '');
    if (!cells.has(unit)) cells.set(unit, new Map());
    cells.get(unit).set(state, (cells.get(unit).get(state) || 0) + 1);
    states.set(state, shown(l.fields[at], l.rows[i][at]) || t('none'));
  }
  const sum = (m) => [...m.values()].reduce((a, b) => a + b, 0);
  const order = [...cells].sort((a, b) => sum(b[1]) - sum(a[1]) || (a[0] < b[0] ? -1 : 1));
  const rest = order.splice(MOST_UNITS);
  if (rest.length) {
    const all = new Map();
    rest.forEach(([, m]) => m.forEach((n, k) => all.set(k, (all.get(k) || 0) + n)));
    order.push([t('restUnits', { n: rest.length }), all]);
  }
  const of = new Map(l.style.field === at ? l.style.classes.map((c, i) => [c.value, [i, c.rgba]]) : []);
  const keys = [...states.keys()].sort((a, b) => (of.get(a)?.[0] ?? 99) - (of.get(b)?.[0] ?? 99) || (a < b ? -1 : 1));
  return bars({
    title: t('progressOf', { x: both(l.title) }), xTitle: t('unit'), x: order.map(([u]) => u),
    series: keys.map((k) => ({
      name: label(states.get(k), 40), values: order.map(([, m]) => m.get(k) || 0),
      colour: of.get(k) && `rgb(${of.get(k)[1].slice(0, 3).join(',')})`,
    })),
  });
}

function draw() {
  if ($('panel-charts').hidden) return;
  const given = (store.data.charts || []).map((c) => (c.kind === 'line' ? lines(c) : bars(c)));
  const made = store.layers.map(progress).filter(Boolean);
  fill($('panel-charts'), given.length + made.length ? [...given, ...made] : el('p', { class: 'hint', text: t('noCharts') }));
}

export function start() {
  on('filter lang panel', draw);
}
