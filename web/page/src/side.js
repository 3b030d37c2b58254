// The side: layers with their legend, filters.

import { $, el, fill, swatch, target } from './dom.js';
import { extentOf, fit } from './map.js';
import { FACETS, clearFilters, emit, facetValues, filter, on, store, totals } from './store.js';
import { both, count, label, t, themeTitle } from './text.js';

// a layer without words for its classes has one sign
export function legendOf(l) {
  if (l.style.field === null || l.style.field === undefined) return [];
  const used = new Set(l.rows.map((r) => String(r[l.style.field] ?? '')));
  const classes = l.style.classes.filter((c) => used.has(c.value));
  const known = new Set(classes.map((c) => c.value));
  const items = classes.map((c) => [c.rgba, both(c.label) || t('none')]);
  if ([...used].some((v) => !known.has(v))) items.push([l.style.rest, t('other')]);
  return items;
}

const themes = () => [...new Set(store.layers.map((l) => l.theme))];

function layerItem(l) {
  const id = `layer-${l.index}`;
  const box = el('input', { type: 'checkbox', id, checked: l.on, on: { change: (e) => { l.on = e.target.checked; emit('layers'); } } });
  const items = legendOf(l);
  return el('li', { class: 'layer' },
    el('div', { class: 'layer-head' },
      box,
      items.length ? null : swatch(l.draw, l.style.rest),
      el('label', { for: id, text: both(l.title) }),
      el('span', { class: 'n', id: `${id}-n` }),
      el('button', { type: 'button', class: 'mini', title: t('zoomLayer'), 'aria-label': `${t('zoomLayer')}: ${both(l.title)}`,
        on: { click: () => { if (!l.source.isEmpty()) fit(extentOf([l])); } } }, target())),
    items.length ? el('ul', { class: 'legend' }, items.map(([rgba, text]) => el('li', {}, swatch(l.draw, rgba), el('span', { text })))) : null,
    l.without ? el('p', { class: 'hint', text: t('noShape', { n: count(l.without) }) }) : null);
}

function drawLayers() {
  fill($('layers'), themes().map((theme) => el('section', { class: 'theme' },
    el('h3', { text: themeTitle(theme) }),
    el('ul', { class: 'layer-list' }, store.layers.filter((l) => l.theme === theme).map(layerItem)))));
  counts();
}

function counts() {
  for (const l of store.layers) {
    const n = $(`layer-${l.index}-n`);
    if (n) n.textContent = l.passed === l.n ? count(l.n) : `${count(l.passed)} / ${count(l.n)}`;
  }
  const [n, m] = totals();
  $('status').textContent = t('shown', { n: count(n), m: count(m) });
}

function option(facet, v) {
  const id = `f-${facet}-${option.next++}`;
  const chosen = store.chosen[facet];
  const change = (e) => { e.target.checked ? chosen.add(v.key) : chosen.delete(v.key); filter(); };
  return el('li', {},
    el('input', { type: 'checkbox', id, checked: chosen.has(v.key), on: { change } }),
    el('label', { for: id }, el('bdi', { text: v.text })),
    el('span', { class: 'n', text: count(v.n) }));
}
option.next = 0;

const opened = new Set(['unit', 'state']);

function facet(name) {
  const values = facetValues(name);
  if (values.length < 2 && !(name === 'state' && values.length)) return null;
  const byCount = (a, b) => b.n - a.n || (a.text < b.text ? -1 : 1);
  const groups = new Map();
  values.forEach((v) => {
    const g = v.group ? both(v.group.title) : '';
    if (!groups.has(g)) groups.set(g, []);
    groups.get(g).push(v);
  });
  const several = groups.size > 1;
  return el('details', { class: 'facet', open: opened.has(name) || store.chosen[name].size > 0, on: { toggle: (e) => { e.target.open ? opened.add(name) : opened.delete(name); } } },
    el('summary', { text: t(name) }),
    el('div', { class: 'options', role: 'group', 'aria-label': t(name) }, [...groups].map(([g, vs]) => [
      several ? el('h4', { text: g }) : null,
      el('ul', {}, vs.sort(byCount).map((v) => option(name, v)))]).flat()));
}

let typing;
function drawFilters() {
  const search = el('input', { type: 'search', id: 'search', value: store.text, autocomplete: 'off', on: { input: (e) => {
    clearTimeout(typing);
    const text = e.target.value;
    typing = setTimeout(() => { store.text = text; filter(); }, 180);
  } } });
  fill($('filters'),
    el('label', { for: 'search', class: 'search', text: t('search') }), search,
    FACETS.map(facet),
    el('button', { type: 'button', id: 'clear', text: t('clear'), on: { click: () => { clearFilters(); drawFilters(); emit('time'); $('clear').focus(); } } }));
}

/** The filter in words, for prints. */
export function filterWords() {
  const parts = FACETS.flatMap((f) => {
    const names = facetValues(f).filter((v) => store.chosen[f].has(v.key)).map((v) => v.text);
    return names.length ? [`${t(f)}: ${names.join(', ')}`] : [];
  });
  if (store.text) parts.push(`${t('search')}: ${label(store.text, 60)}`);
  return parts;
}

export function start() {
  drawLayers();
  drawFilters();
  on('filter layers', counts);
  on('lang', () => { drawLayers(); drawFilters(); });
}
