// Words of the page in both languages, and text from data made harmless to show.
//
// Nothing in this program sets HTML: every word goes through textContent or setAttribute.

const WORDS = {
  layers: ['Layers', '图层'],
  filters: ['Filters', '筛选'],
  unit: ['Responsible unit', '责任单位'],
  admin: ['Administrative area', '行政区'],
  kind: ['Kind', '类型'],
  state: ['State', '状态'],
  search: ['Search in attributes', '搜索属性'],
  clear: ['Clear all filters', '清除全部筛选'],
  none: ['(none)', '(空)'],
  table: ['Table', '表格'],
  charts: ['Charts', '图表'],
  about: ['About', '说明'],
  layer: ['Layer', '图层'],
  shown: ['{n} of {m} features shown', '显示 {n} / {m} 个要素'],
  rows: ['{n} rows', '{n} 行'],
  page: ['Page {n} of {m}', '第 {n} / {m} 页'],
  previous: ['Previous', '上一页'],
  next: ['Next', '下一页'],
  first: ['First', '首页'],
  last: ['Last', '末页'],
  inView: ['Only what the map shows', '仅地图范围内'],
  onMap: ['Show on the map', '在地图上显示'],
  sortBy: ['Sort by {x}', '按{x}排序'],
  zoomLayer: ['Zoom to layer', '缩放至图层'],
  zoomAll: ['Whole area', '全图'],
  zoomIn: ['Zoom in', '放大'],
  zoomOut: ['Zoom out', '缩小'],
  zoomTo: ['Zoom to it', '缩放至此'],
  close: ['Close', '关闭'],
  ofHits: ['{n} of {m} here', '此处第 {n} / {m} 个'],
  before: ['Before', '前'],
  after: ['After', '后'],
  chips: ['Pictures', '影像切片'],
  history: ['History', '办理记录'],
  attributes: ['Attributes', '属性'],
  more: ['Show all {n} characters', '显示全部 {n} 个字符'],
  time: ['Time', '时间'],
  timeAll: ['all times', '全部时间'],
  timeUpTo: ['up to the day', '截至当日'],
  timeOn: ['on the day', '当日'],
  day: ['Day', '日期'],
  play: ['Play', '播放'],
  pause: ['Pause', '暂停'],
  undated: ['{n} without a date are always shown', '{n} 个无日期要素始终显示'],
  timeless: ['Layers without dates are not touched by the slider', '没有日期的图层不受时间滑块影响'],
  swipe: ['Before / after pictures', '前后影像对比'],
  swipeAt: ['Position of the divider', '分隔线位置'],
  dark: ['Dark', '深色'],
  light: ['Light', '浅色'],
  print: ['Print', '打印'],
  language: ['中文', 'English'],
  map: ['Map. Arrow keys move, plus and minus zoom. The table below holds the same features.',
    '地图。方向键平移,加减键缩放。下方表格列出相同要素。'],
  skip: ['Skip to the table', '跳到表格'],
  legend: ['Legend', '图例'],
  other: ['other', '其他'],
  sources: ['Sources', '数据来源'],
  notes: ['Notes', '说明与提示'],
  made: ['Made {d} with {p}', '{d} 由 {p} 生成'],
  features: ['{n} features', '{n} 个要素'],
  noShape: ['{n} without geometry: in the table only', '{n} 个无几何:仅在表格中'],
  projection: [
    'Places are longitude and latitude (CGCS2000 / WGS 84), rounded to 1e-7 degrees (about 1 cm). The map is drawn in Web Mercator; the scale bar holds at the middle of the map. Measure areas and lengths in the attributes, not on the screen.',
    '坐标为经纬度(CGCS2000 / WGS 84),取到 1e-7 度(约 1 厘米)。地图以 Web 墨卡托显示,比例尺以图幅中心为准;面积与长度以属性为准,勿在屏幕上量取。'],
  offline: ['This file holds everything it shows and makes no request to any network.', '本文件自带全部内容,不访问任何网络。'],
  progress: ['By unit and state', '各单位进展'],
  progressOf: ['{x}: features shown, by unit and state', '{x}:当前显示要素,按单位与状态'],
  restUnits: ['{n} more units', '其余 {n} 个单位'],
  dataTable: ['Figures', '数据'],
  noCharts: ['No charts: no layer has both a unit and a state, and none were given.', '无图表:没有图层同时具有单位与状态,也未提供图表数据。'],
  nothing: ['Nothing to show', '没有可显示的内容'],
  scale: ['Scale about 1:{n} as printed', '打印比例尺约 1:{n}'],
  north: ['North', '北'],
  filtered: ['Filter: {x}', '筛选:{x}'],
  unfiltered: ['No filter', '未筛选'],
  panel: ['Table, charts, notes', '表格、图表、说明'],
  hidePanel: ['Hide the panel', '收起面板'],
  showPanel: ['Show the panel', '展开面板'],
  yes: ['yes', '是'],
  no: ['no', '否'],
  undatedField: ['no date', '无日期'],
  selected: ['Selected: {x}', '已选中:{x}'],
  broken: ['The data in this file cannot be read: {x}', '无法读取本文件中的数据:{x}'],
};

export const THEMES = {
  issue: ['Issues', '问题图斑'],
  fire: ['Fires', '火点'],
  change: ['Change', '变化图斑'],
  restore: ['Restoration', '生态修复'],
  series: ['Series', '时序分析'],
  terrain: ['Terrain', '地形变化'],
  site: ['Sites and corridor', '图斑与管控带'],
  zone: ['Zones', '管控区'],
  corridor: ['Corridor', '管控带'],
  river: ['Rivers', '河流'],
  other: ['Other layers', '其他图层'],
};

let lang = 'zh';
export const language = () => lang;
export function setLanguage(l) {
  lang = l === 'en' ? 'en' : 'zh';
  document.documentElement.lang = lang === 'en' ? 'en' : 'zh-CN';
}

const pick = (pair) => pair[lang === 'en' ? 0 : 1];

export function t(key, values = {}) {
  let s = pick(WORDS[key]);
  for (const [k, v] of Object.entries(values)) s = s.split(`{${k}}`).join(String(v));
  return s;
}

export const themeTitle = (theme) => pick(THEMES[theme] || THEMES.other);

/** A text of the data in the page's language, made fit for a label. */
export const both = (x) => label(!x ? '' : typeof x === 'string' ? x : lang === 'en' ? x.en || x.zh : x.zh || x.en);

// C0 and C1 controls (but for tab and line breaks) and the marks that turn the direction of text
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Controls made visible, marks of direction taken out. */
export function plain(text) {
  return String(text)
    .replace(CONTROLS, (c) => (c.charCodeAt(0) < 32 ? String.fromCharCode(0x2400 + c.charCodeAt(0)) : '\u2421'))
    .replace(DIRECTION, '');
}

/** One line of at most `most` characters. */
export function label(text, most = 120) {
  // cut before the patterns run: a value may be a megabyte
  const s = String(text);
  const cut = [...plain(s.slice(0, most * 2)).replace(/\s+/g, ' ').trim()];
  return cut.length > most || s.length > most * 2 ? `${cut.slice(0, most).join('')}…` : cut.join('');
}

export const count = (n) => n.toLocaleString(lang === 'en' ? 'en' : 'zh-CN');

/** A value of a field as people read it: words for codes, grouped numbers. */
export function shown(field, value) {
  if (value === null || value === undefined || value === '') return '';
  if (field.words && Object.hasOwn(field.words, value)) return both(field.words[value]);
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no');
  if (typeof value === 'number') return number(value);
  return INSTANT.test(value) ? value.replace('T', ' ').replace(/(Z|\+00:00)$/, ' UTC') : String(value);
}

// a time as files hold it (ISO 8601)
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/;

function number(v) {
  if (Number.isInteger(v)) return Math.abs(v) < 10000 ? String(v) : v.toLocaleString(lang === 'en' ? 'en' : 'zh-CN');
  const size = Math.abs(v);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return v.toExponential(4);
  const digits = size >= 1000 ? 1 : size >= 1 ? 3 : 5;
  return v.toLocaleString(lang === 'en' ? 'en' : 'zh-CN', { maximumFractionDigits: digits });
}

const DAY_MS = 86400000;
/** Days since 1970 as a date. */
export const dayText = (day) => new Date(day * DAY_MS).toISOString().slice(0, 10);
