// The table: the features of one layer, sorted, linked to the map. It is also the map for those who cannot see it.

import { $, el, fill, target } from './dom.js';
import { rowsInView, theMap } from './map.js';
import { nameOf, on, select, store } from './store.js';
import { both, count, label, shown, t } from './text.js';

const PAGE = 100;
const view = { layer: 0, sort: null, down: false, page: 0, inView: false, rows: [] };
export const tableLayer = () => store.layers[view.layer];

// empty values come last whichever way the column is sorted
function compare(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [x, y] = [String(a), String(b)];
  return x.slice(0, 200).localeCompare(y.slice(0, 200), document.documentElement.lang, { numeric: true });
}

function choose() {
  const l = tableLayer();
  const here = view.inView ? rowsInView(l) : null;
  const rows = [];
  for (let i = 0; i < l.n; i++) if (l.pass[i] && (!here || here.has(i))) rows.push(i);
  if (view.sort !== null) {
    const at = view.sort;
    const empty = (v) => v === null || v === '';
    const sign = view.down ? -1 : 1;
    const key = new Map(rows.map((i) => [i, l.fields[at].words ? shown(l.fields[at], l.rows[i][at]) : l.rows[i][at]]));
    rows.sort((i, j) => {
      const [a, b] = [key.get(i), key.get(j)];
      if (empty(a) || empty(b)) return (empty(a) ? 1 : 0) - (empty(b) ? 1 : 0) || i - j;
      return sign * compare(a, b) || i - j;
    });
  }
  view.rows = rows;
}

const pages = () => Math.max(1, Math.ceil(view.rows.length / PAGE));

function heading(f, i) {
  const now = view.sort === i;
  const name = both(f.title);
  return el('th', { scope: 'col', 'aria-sort': now ? (view.down ? 'descending' : 'ascending') : 'none' },
    el('button', { type: 'button', class: 'sort', title: t('sortBy', { x: name }), on: { click: () => {
      view.down = now ? !view.down : false;
      view.sort = i;
      view.page = 0;
      redraw();
      $('table').querySelectorAll('th button')[columns().findIndex(([, k]) => k === i)]?.focus();
    } } }, `${name}${now ? (view.down ? ' ▼' : ' ▲') : ''}`));
}

const columns = () => tableLayer().fields.map((f, i) => [f, i]).filter(([f]) => !f.hidden);

function body() {
  const l = tableLayer();
  const cols = columns();
  view.page = Math.max(0, Math.min(view.page, pages() - 1));
  const rows = view.rows.slice(view.page * PAGE, (view.page + 1) * PAGE);
  const s = store.selected;
  return rows.map((i) => {
    const chosen = s && s.layer === l && s.row === i;
    return el('tr', { 'data-row': i, class: chosen ? 'chosen' : null, 'aria-selected': chosen ? 'true' : null },
      el('td', { class: 'go' }, el('button', { type: 'button', class: 'mini', 'aria-label': `${t('onMap')}: ${nameOf(l, i)}`, title: t('onMap') }, target())),
      cols.map(([f, k]) => {
        const v = l.rows[i][k];
        return el('td', { class: typeof v === 'number' ? 'num' : null }, el('bdi', { text: label(shown(f, v), 80) }));
      }));
  });
}

/** Rebuilds the rows; the bar above stays, and with it the focus. */
function redraw() {
  choose();
  show();
}

function show() {
  const table = $('table');
  table.setAttribute('aria-rowcount', view.rows.length + 1);
  fill(table.tHead, el('tr', {}, el('th', { scope: 'col' }, el('span', { class: 'unseen', text: t('onMap') })), columns().map(([f, i]) => heading(f, i))));
  fill(table.tBodies[0], body());
  table.caption.textContent = both(tableLayer().title);
  $('table-n').textContent = t('rows', { n: count(view.rows.length) });
  $('table-page').textContent = t('page', { n: view.page + 1, m: pages() });
  for (const [id, off] of [['first', view.page === 0], ['previous', view.page === 0], ['next', view.page >= pages() - 1], ['last', view.page >= pages() - 1]]) $(`page-${id}`).disabled = off;
}

function bar() {
  const go = (f) => () => { view.page = f(); show(); $('table-box').scrollTop = 0; };
  const button = (id, text, f) => el('button', { type: 'button', id: `page-${id}`, 'aria-label': t(id), title: t(id), text, on: { click: go(f) } });
  fill($('table-bar'),
    el('label', { for: 'table-layer', text: t('layer') }),
    el('select', { id: 'table-layer', on: { change: (e) => { view.layer = Number(e.target.value); view.sort = null; view.page = 0; redraw(); } } },
      store.layers.map((l) => el('option', { value: String(l.index), selected: l.index === view.layer, text: both(l.title) }))),
    el('span', { class: 'inline' },
      el('input', { type: 'checkbox', id: 'table-view', checked: view.inView, on: { change: (e) => { view.inView = e.target.checked; view.page = 0; redraw(); } } }),
      el('label', { for: 'table-view', text: t('inView') })),
    el('span', { id: 'table-n', class: 'n', role: 'status' }),
    el('span', { class: 'pages' }, button('first', '«', () => 0), button('previous', '‹', () => view.page - 1), el('span', { id: 'table-page' }), button('next', '›', () => view.page + 1), button('last', '»', () => pages() - 1)));
}

function follow() {
  const s = store.selected;
  if (s && s.from !== 'table') {
    if (s.layer !== tableLayer()) {
      view.layer = s.layer.index;
      view.sort = null;
      bar();
      choose();
    }
    const at = view.rows.indexOf(s.row);
    if (at >= 0) view.page = Math.floor(at / PAGE);
  }
  show();
  const row = $('table').querySelector('tr.chosen');
  if (row && s.from !== 'table') {
    // within the panel only: the page itself must not jump
    const box = $('table-box');
    box.scrollTop = row.offsetTop - box.clientHeight / 2;
  }
}

export function start() {
  const largest = store.layers.findIndex((l) => l.frame);
  view.layer = Math.max(0, largest);
  bar();
  redraw();
  $('table').tBodies[0].addEventListener('click', (e) => {
    const tr = e.target.closest('tr');
    if (tr) select(tableLayer(), Number(tr.dataset.row), { from: 'table', zoom: e.target.closest('button') !== null });
  });
  on('filter', () => { view.page = 0; redraw(); });
  on('select', follow);
  on('lang', () => { bar(); redraw(); });
  theMap().on('moveend', () => { if (view.inView) redraw(); });
}
