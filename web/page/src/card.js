// The pop-up: attributes, pictures and history of the feature that is selected.

import { $, el, fill } from './dom.js';
import { nameOf, on, select, store } from './store.js';
import { both, count, label, plain, shown, t } from './text.js';

// text beyond this many characters is shown on request, so that a megabyte in one field does not hang the page
const LONG = 600;

export function longText(text) {
  if (text.length <= LONG) return el('bdi', { class: 'value', text: plain(text) });
  const value = el('bdi', { class: 'value', text: `${plain(text.slice(0, LONG))}…` });
  const most = 200000;
  const more = el('button', { type: 'button', class: 'mini', text: t('more', { n: count(text.length) }), on: { click: () => {
    value.textContent = plain(text.slice(0, most)) + (text.length > most ? '…' : '');
    more.remove();
  } } });
  return el('span', {}, value, more);
}

function attributes(layer, row) {
  const values = layer.rows[row];
  const pairs = layer.fields.map((f, i) => [f, values[i]]).filter(([f, v]) => !f.hidden && v !== null && v !== '');
  return el('dl', {}, pairs.map(([f, v]) => [el('dt', { title: label(f.name, 60), text: both(f.title) }), el('dd', {}, longText(shown(f, v)))]).flat());
}

function chips(layer, row) {
  const c = layer.chips && layer.chips[row];
  if (!c) return null;
  const figure = (which) => c[which] && el('figure', {},
    el('img', { src: c[which], alt: `${t(which)}: ${nameOf(layer, row)}` }),
    el('figcaption', { text: [t(which), c.shows[which] && plain(c.shows[which])].filter(Boolean).join(' · ') }));
  return el('section', {}, el('h3', { text: t('chips') }), el('div', { class: 'chips' }, figure('before'), figure('after')));
}

function history(layer, row) {
  const h = layer.history;
  const events = h && h.rows[row];
  if (!events || !events.length) return null;
  return el('section', {}, el('h3', { text: t('history') }),
    el('ol', { class: 'history' }, events.map((e) => el('li', {}, h.fields.map((f, i) => {
      const v = e[i] === null ? '' : shown(f, e[i]);
      return v === '' ? null : el('span', { class: i === 0 ? 'when' : null }, el('span', { class: 'what', text: `${both(f.title)} ` }), longText(v));
    })))));
}

let opener = null;

function draw() {
  const card = $('card');
  const s = store.selected;
  if (!s) {
    card.hidden = true;
    fill(card);
    if (opener && opener.isConnected) opener.focus();
    opener = null;
    return;
  }
  if (card.hidden) opener = s.from === 'map' ? document.querySelector('#map') : document.activeElement;
  const at = s.hits.findIndex(([l, r]) => l === s.layer && r === s.row);
  const go = (step) => {
    const [l, r] = s.hits[(at + step + s.hits.length) % s.hits.length];
    select(l, r, { hits: s.hits, from: s.from });
  };
  const several = s.hits.length > 1;
  fill(card,
    el('div', { class: 'card-head' },
      el('h2', { id: 'card-title', tabindex: '-1' }, el('bdi', { text: nameOf(s.layer, s.row) })),
      el('button', { type: 'button', id: 'card-close', 'aria-label': t('close'), title: t('close'), text: '✕', on: { click: () => select(null) } })),
    el('p', { class: 'card-sub' },
      el('span', { text: both(s.layer.title) }),
      several ? el('span', { class: 'hits' },
        el('button', { type: 'button', class: 'mini', 'aria-label': t('previous'), text: '‹', on: { click: () => go(-1) } }),
        el('span', { text: t('ofHits', { n: at + 1, m: s.hits.length }) }),
        el('button', { type: 'button', class: 'mini', 'aria-label': t('next'), text: '›', on: { click: () => go(1) } })) : null,
      el('button', { type: 'button', class: 'mini', text: t('zoomTo'), on: { click: () => select(s.layer, s.row, { hits: s.hits, from: s.from, zoom: true }) } })),
    el('div', { class: 'card-body', tabindex: '0', role: 'group', 'aria-label': t('attributes') },
      chips(s.layer, s.row), history(s.layer, s.row), attributes(s.layer, s.row)));
  card.hidden = false;
  if (s.from !== 'language') $('card-title').focus({ preventScroll: true });
  $('announce').textContent = t('selected', { x: nameOf(s.layer, s.row) });
}

export function start() {
  on('select', draw);
  on('lang', () => { if (store.selected) { store.selected.from = 'language'; draw(); } });
  document.addEventListener('keydown', (e) => { if (e.key === 'Escape' && store.selected) select(null); });
}
