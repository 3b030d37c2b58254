// Prints: the map at a size that fits the sheet, title, legend, scale, north, filter, date, sources.

import { $, el, fill, svg, swatch } from './dom.js';
import { groundResolution, theMap } from './map.js';
import { filterWords, legendOf } from './side.js';
import { store, totals } from './store.js';
import { timeWords } from './time.js';
import { both, count, label, t } from './text.js';

// a CSS pixel is 1/96 inch on paper
const PX_M = 0.0254 / 96;

function legend() {
  return store.layers.filter((l) => l.on && l.passed).map((l) => {
    const items = legendOf(l);
    return el('div', { class: 'print-layer' }, el('h3', {}, items.length ? null : swatch(l.draw, l.style.rest), both(l.title)),
      el('ul', {}, items.map(([rgba, words]) => el('li', {}, swatch(l.draw, rgba), words))));
  });
}

function north() {
  return svg('svg', { viewBox: '0 0 30 44', class: 'north', role: 'img', 'aria-label': t('north') },
    svg('path', { d: 'M15 2 L25 32 L15 26 Z', class: 'north-dark' }), svg('path', { d: 'M15 2 L5 32 L15 26 Z', class: 'north-light' }),
    svg('text', { x: 15, y: 43, 'text-anchor': 'middle', text: 'N' }));
}

let theme;

function prepare() {
  theme = store.theme;
  if (theme === 'dark') setTheme('light');
  document.body.classList.add('printing');
  const [n, m] = totals();
  const filters = [...filterWords(), ...timeWords()];
  fill($('print-head'), el('h1', { text: both(store.data.title) }),
    el('p', { text: `${filters.length ? t('filtered', { x: filters.join('; ') }) : t('unfiltered')} · ${t('shown', { n: count(n), m: count(m) })}` }));
  const map = theMap();
  map.updateSize();
  map.renderSync();
  fill($('print-foot'),
    el('div', { class: 'print-legend' }, el('h2', { text: t('legend') }), legend()),
    el('div', { class: 'print-side' }, north(),
      el('p', { text: t('scale', { n: count(Math.round(groundResolution() / PX_M / 100) * 100) }) }),
      el('p', { text: `${t('sources')}: ${store.data.sources.map((s) => label(s.layer ? `${s.file}#${s.layer}` : s.file, 60)).join(', ')}` }),
      el('p', { text: t('made', { d: store.data.made, p: store.data.program }) }),
      el('p', { text: t('projection') })));
}

function after() {
  document.body.classList.remove('printing');
  if (theme === 'dark') setTheme('dark');
  theMap().updateSize();
  theMap().render();
}

let setTheme;

export function start(toTheme) {
  setTheme = toTheme;
  addEventListener('beforeprint', prepare);
  addEventListener('afterprint', after);
  $('print').addEventListener('click', () => print());
}
