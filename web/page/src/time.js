// The slider over days: fires and changes appear and end.

import { $, el, fill } from './dom.js';
import { filter, on, store } from './store.js';
import { count, dayText, t } from './text.js';

const MODES = [['all', 'timeAll'], ['upto', 'timeUpTo'], ['on', 'timeOn']];
// a whole run of the slider takes about this many steps
const STEPS = 80;
const STEP_MS = 180;
let timer = null;

function set(day, mode) {
  store.time.day = day;
  if (mode) store.time.mode = mode;
  filter();
  sync();
}

function sync() {
  const { mode, day } = store.time;
  $('time-day').value = String(day);
  $('time-day').setAttribute('aria-valuetext', dayText(day));
  $('time-out').textContent = mode === 'all' ? t('timeAll') : dayText(day);
  for (const [m] of MODES) $(`time-${m}`).checked = m === mode;
}

function stop() {
  clearInterval(timer);
  timer = null;
  const b = $('time-play');
  b.textContent = '▶';
  b.setAttribute('aria-label', t('play'));
  b.title = t('play');
}

function play() {
  if (timer) return stop();
  const { min, max } = store.time;
  if (store.time.mode === 'all') store.time.mode = 'upto';
  if (store.time.day >= max) store.time.day = min;
  const step = Math.max(1, Math.round((max - min) / STEPS));
  const b = $('time-play');
  b.textContent = '⏸';
  b.setAttribute('aria-label', t('pause'));
  b.title = t('pause');
  timer = setInterval(() => {
    const next = Math.min(max, store.time.day + step);
    set(next);
    if (next >= max) stop();
  }, STEP_MS);
  set(store.time.day);
}

function draw() {
  const { min, max } = store.time;
  const undated = store.layers.reduce((a, l) => a + (l.time ? l.time.filter((s) => !s).length : 0), 0);
  const moved = (e) => set(Number(e.target.value), store.time.mode === 'all' ? 'upto' : null);
  fill($('time'),
    el('button', { type: 'button', id: 'time-play', on: { click: play } }),
    el('div', { class: 'time-main' },
      el('input', { type: 'range', id: 'time-day', min, max, step: 1, 'aria-label': t('day'), on: { input: moved } }),
      el('div', { class: 'time-ends', 'aria-hidden': 'true' }, el('span', { text: dayText(min) }), el('span', { text: dayText(max) }))),
    el('output', { id: 'time-out', for: 'time-day' }),
    el('fieldset', {}, el('legend', { class: 'unseen', text: t('time') }), MODES.map(([m, key]) => el('span', { class: 'inline' },
      el('input', { type: 'radio', name: 'time-mode', id: `time-${m}`, value: m, on: { change: () => set(store.time.day, m) } }),
      el('label', { for: `time-${m}`, text: t(key) })))),
    el('p', { class: 'hint', text: undated ? t('undated', { n: count(undated) }) : t('timeless') }));
  stop();
  sync();
}

export const timeWords = () => {
  const { mode, day } = store.time;
  return mode === 'all' ? [] : [`${t('time')}: ${t(mode === 'upto' ? 'timeUpTo' : 'timeOn')} ${dayText(day)}`];
};

export function start() {
  if (store.time.min === null) {
    $('time').remove();
    return;
  }
  $('time').hidden = false;
  draw();
  on('lang', draw);
  on('time', () => { stop(); sync(); });
}
