// The page: reads its data, puts the parts together, keeps language, theme and panels.

import { $, el, fill } from './dom.js';
import * as card from './card.js';
import * as charts from './charts.js';
import { home, setSwipe, show, start as startMap, theMap } from './map.js';
import * as print from './print.js';
import * as side from './side.js';
import { emit, load, on, store } from './store.js';
import * as table from './table.js';
import { both, count, label, language, setLanguage, t } from './text.js';
import * as time from './time.js';

// words of the page's frame by element: text, or an attribute
const FRAME = [
  ['skip', null, 'skip'], ['h-layers', null, 'layers'], ['h-filters', null, 'filters'], ['map', 'aria-label', 'map'],
  ['tab-table', null, 'table'], ['tab-charts', null, 'charts'], ['tab-about', null, 'about'], ['tabs', 'aria-label', 'panel'],
  ['print', null, 'print'], ['lang', null, 'language'], ['time', 'aria-label', 'time'], ['side', 'aria-label', 'layers'],
  ['zoom-in', 'aria-label', 'zoomIn'], ['zoom-out', 'aria-label', 'zoomOut'], ['zoom-home', 'aria-label', 'zoomAll'],
  ['zoom-in', 'title', 'zoomIn'], ['zoom-out', 'title', 'zoomOut'], ['zoom-home', 'title', 'zoomAll'], ['table-box', 'aria-label', 'table'],
  ['panel', 'aria-label', 'panel'],
];

function words() {
  for (const [id, attribute, key] of FRAME) {
    const node = $(id);
    if (!node) continue;
    if (attribute) node.setAttribute(attribute, t(key));
    else node.textContent = t(key);
  }
  $('lang').lang = language() === 'en' ? 'zh-CN' : 'en';
  document.title = $('title').textContent = both(store.data.title);
  $('theme').textContent = t(store.theme === 'dark' ? 'light' : 'dark');
  $('fold').setAttribute('aria-label', t(document.body.classList.contains('folded') ? 'showPanel' : 'hidePanel'));
  about();
}

function about() {
  const d = store.data;
  fill($('panel-about'),
    el('p', { text: t('made', { d: d.made, p: d.program }) }),
    el('p', { text: t('offline') }),
    el('p', { text: t('projection') }),
    el('h3', { text: t('sources') }),
    el('ul', {}, d.sources.map((s) => el('li', {}, el('bdi', { text: label([s.layer ? `${s.file}#${s.layer}` : s.file, s.crs, t('features', { n: count(s.features) })].filter(Boolean).join(' · '), 300) })))),
    d.notes.length ? el('h3', { text: t('notes') }) : null,
    d.notes.length ? el('ul', {}, d.notes.map((n) => el('li', { text: both(n) }))) : null);
}

function theme(which) {
  store.theme = which;
  document.documentElement.dataset.theme = which;
  $('theme').textContent = t(which === 'dark' ? 'light' : 'dark');
  emit('theme');
}

function tabs() {
  const all = ['table', 'charts', 'about'];
  const open = (name) => {
    for (const n of all) {
      const now = n === name;
      $(`tab-${n}`).setAttribute('aria-selected', String(now));
      $(`tab-${n}`).tabIndex = now ? 0 : -1;
      $(`panel-${n}`).hidden = !now;
    }
    fold(false);
    emit('panel');
  };
  all.forEach((n, i) => {
    $(`tab-${n}`).addEventListener('click', () => open(n));
    $(`tab-${n}`).addEventListener('keydown', (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (!step) return;
      const next = all[(i + step + all.length) % all.length];
      open(next);
      $(`tab-${next}`).focus();
    });
  });
  $('skip').addEventListener('click', (e) => { e.preventDefault(); open('table'); $('table-layer').focus(); });
}

function fold(folded) {
  document.body.classList.toggle('folded', folded);
  $('fold').setAttribute('aria-expanded', String(!folded));
  $('fold').setAttribute('aria-label', t(folded ? 'showPanel' : 'hidePanel'));
  $('fold').textContent = folded ? '▴' : '▾';
  theMap().updateSize();
}

function swipe() {
  if (!store.data.pictures) return;
  let isOn = false;
  const draw = () => {
    const p = store.data.pictures;
    const line = el('div', { class: 'swipe-line', 'aria-hidden': 'true' });
    const range = el('input', { type: 'range', id: 'swipe-at', min: 0, max: 1000, value: '500', 'aria-label': t('swipeAt'), on: { input: () => at() } });
    const at = () => {
      const share = Number(range.value) / 1000;
      line.style.left = `${share * 100}%`;
      setSwipe(isOn, share);
    };
    fill($('swipe'), el('span', { class: 'inline' },
      el('input', { type: 'checkbox', id: 'swipe-on', checked: isOn, on: { change: (e) => { isOn = e.target.checked; draw(); $('swipe-on').focus(); } } }),
      el('label', { for: 'swipe-on', text: t('swipe') })), isOn ? range : null);
    fill($('swipe-over'), isOn ? [line, el('span', { class: 'swipe-name before', text: `${t('before')}: ${both(p.before.title)}` }), el('span', { class: 'swipe-name after', text: `${t('after')}: ${both(p.after.title)}` })] : []);
    at();
  };
  $('swipe').hidden = false;
  draw();
  on('lang', draw);
}

function begin() {
  const data = JSON.parse($('heshan-data').textContent);
  setLanguage(data.lang);
  load(data);
  store.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  startMap('scale');
  words();
  theme(store.theme);
  [side, card, table, time, charts].forEach((part) => part.start());
  print.start(theme);
  tabs();
  swipe();
  fold(false);
  show('map');
  $('lang').addEventListener('click', () => { setLanguage(language() === 'en' ? 'zh' : 'en'); words(); emit('lang'); });
  $('theme').addEventListener('click', () => theme(store.theme === 'dark' ? 'light' : 'dark'));
  $('fold').addEventListener('click', () => fold(!document.body.classList.contains('folded')));
  const zoom = (by) => () => theMap().getView().animate({ zoom: theMap().getView().getZoom() + by, duration: 150 });
  $('zoom-in').addEventListener('click', zoom(1));
  $('zoom-out').addEventListener('click', zoom(-1));
  $('zoom-home').addEventListener('click', home);
  theMap().once('rendercomplete', () => { document.documentElement.dataset.ready = 'true'; });
}

try {
  begin();
} catch (e) {
  const alert = $('alert');
  alert.textContent = t('broken', { x: e.message });
  alert.hidden = false;
  throw e;
}
