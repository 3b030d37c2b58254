// What is shown: the layers with their features, the filters, the selection. Panels listen; none talks to another.

import { label, shown, t } from './text.js';

export const FACETS = ['unit', 'admin', 'kind', 'state'];
const listeners = {};
export function on(topics, f) {
  for (const topic of topics.split(' ')) (listeners[topic] ||= []).push(f);
}
export function emit(topic) {
  for (const f of listeners[topic] || []) f(topic);
}

export const store = {
  data: null,
  layers: [],
  /** Facet → chosen keys; empty for all. */
  chosen: { unit: new Set(), admin: new Set(), kind: new Set(), state: new Set() },
  text: '',
  time: { mode: 'all', day: 0, min: null, max: null },
  selected: null,
  theme: 'light',
};

export function load(data) {
  store.data = data;
  store.layers = data.layers.map((l, i) => prepared(l, i));
  const days = store.layers.flatMap((l) => (l.time ? l.time.flatMap((s) => (s ? s.filter((d) => d !== null) : [])) : []));
  if (days.length) {
    store.time.min = days.reduce((a, b) => Math.min(a, b));
    store.time.max = days.reduce((a, b) => Math.max(a, b));
    store.time.day = store.time.max;
  }
  apply();
}

function prepared(l, index) {
  const n = l.rows.length;
  return { ...l, index, n, on: l.shown !== false, pass: new Uint8Array(n).fill(1), passed: n, haystack: null };
}

/** A facet's key of a feature: states of different themes are different things, units and kinds are the same. */
export function keyOf(layer, facet, row) {
  const at = layer.roles[facet];
  if (at === undefined || at === null) return undefined;
  const v = layer.rows[row][at];
  const code = v === null || v === undefined ? '' : String(v);
  return facet === 'state' ? `${stateGroup(layer)}\u0000${code}` : code;
}

export const stateGroup = (layer) => `${layer.theme}/${layer.fields[layer.roles.state].name}`;

/** Values of a facet: key → {label, n, group}. */
export function facetValues(facet) {
  const found = new Map();
  for (const l of store.layers) {
    const at = l.roles[facet];
    if (at === undefined || at === null) continue;
    for (let i = 0; i < l.n; i++) {
      const key = keyOf(l, facet, i);
      let f = found.get(key);
      if (!f) {
        const v = l.rows[i][at];
        f = { key, n: 0, text: label(shown(l.fields[at], v), 60) || t('none'), group: facet === 'state' ? l : null };
        found.set(key, f);
      }
      f.n++;
    }
  }
  return [...found.values()];
}

function haystack(layer, row) {
  layer.haystack ||= new Array(layer.n);
  return (layer.haystack[row] ||= layer.rows[row]
    .map((v, k) => (v === null ? '' : `${String(v).slice(0, 4000)} ${layer.fields[k].words ? shown(layer.fields[k], v) : ''}`))
    .join('\n')
    .toLowerCase());
}

function timePasses(span) {
  const { mode, day } = store.time;
  if (mode === 'all' || !span) return true;
  const [from, to] = span;
  if (from !== null && from > day) return false;
  return mode === 'upto' || to === null || to >= day;
}

/** Runs the filters over every feature. */
export function apply() {
  const words = store.text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const l of store.layers) {
    const facets = FACETS.filter((f) => l.roles[f] !== undefined && l.roles[f] !== null && binds(l, f));
    let passed = 0;
    for (let i = 0; i < l.n; i++) {
      let ok = !l.time || timePasses(l.time[i]);
      for (let k = 0; ok && k < facets.length; k++) ok = store.chosen[facets[k]].has(keyOf(l, facets[k], i));
      if (ok && words.length) {
        const h = haystack(l, i);
        ok = words.every((w) => h.includes(w));
      }
      l.pass[i] = ok ? 1 : 0;
      passed += ok ? 1 : 0;
    }
    l.passed = passed;
  }
}

/** Whether a facet's choice is about this layer: a choice among states of fires says nothing of issues. */
function binds(layer, facet) {
  const chosen = store.chosen[facet];
  if (!chosen.size) return false;
  if (facet !== 'state') return true;
  const group = `${stateGroup(layer)}\u0000`;
  return [...chosen].some((k) => k.startsWith(group));
}

export function filter() {
  apply();
  emit('filter');
}

export function clearFilters() {
  FACETS.forEach((f) => store.chosen[f].clear());
  store.text = '';
  store.time.mode = 'all';
  filter();
}

export const totals = () => {
  const on = store.layers.filter((l) => l.on);
  return [on.reduce((a, l) => a + l.passed, 0), on.reduce((a, l) => a + l.n, 0)];
};

/** Selects a feature; `hits` are all features under the click. */
export function select(layer, row, how = {}) {
  store.selected = layer === null ? null : { layer, row, hits: how.hits || [[layer, row]], from: how.from || null, zoom: how.zoom };
  emit('select');
}

/** What a feature is called. */
export function nameOf(layer, row) {
  const v = layer.rows[row];
  const of = (role) => {
    const at = layer.roles[role];
    return at === undefined || at === null ? '' : label(shown(layer.fields[at], v[at]), 80);
  };
  const parts = [of('id'), of('name')].filter(Boolean);
  return [...new Set(parts)].join(' · ') || `#${row + 1}`;
}
