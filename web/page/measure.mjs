// Size, load time and frame times of a page with many features, in Chromium without a window.
//
//   node measure.mjs make sites.geojson [20000]   writes made-up sites of 31 vertices
//   node measure.mjs page.html                    measures a page (heshan report page sites.geojson -o page.html)
//
// Besides the clock it tells the processor time of the page's main thread, which says more on a busy machine.

import { statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

function make(file, n) {
  let seed = 7;
  const random = () => (seed = (seed * 1664525 + 1013904223) >>> 0) / 4294967296;
  const kinds = ['mine', 'tailings_pond', 'waste_dump', 'open_pit', 'industrial'];
  const features = [];
  for (let i = 0; i < n; i++) {
    const [lon, lat, r] = [106.3 + random() * 1.2, 39.1 + random() * 0.9, 0.0008 + random() * 0.002];
    const ring = [...Array(31)].map((_, k) => {
      const a = (2 * Math.PI * (k % 30)) / 30;
      const d = r * (0.7 + 0.3 * Math.sin(3 * a + i));
      return [Number((lon + 1.28 * d * Math.cos(a)).toFixed(7)), Number((lat + d * Math.sin(a)).toFixed(7))];
    });
    features.push({
      type: 'Feature',
      properties: { site_id: `S${i}`, name: `图斑${i}`, kind: kinds[i % 5], responsible_unit: `单位${i % 23}`, min_dist_m: Math.round(random() * 5e4) / 10, relation_3000: ['inside', 'crosses', 'outside'][i % 3] },
      geometry: { type: 'Polygon', coordinates: [ring] },
    });
  }
  writeFileSync(file, JSON.stringify({ type: 'FeatureCollection', features }));
}

async function measure(file) {
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(180000);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const cpu = async () => (await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === 'ThreadTime').value;
  const begun = Date.now();
  await page.goto(`file://${resolve(file)}`);
  await page.waitForSelector('html[data-ready]');
  console.log(`${(statSync(file).size / 1e6).toFixed(1)} MB, open in ${((Date.now() - begun) / 1000).toFixed(2)} s, processor ${(await cpu()).toFixed(2)} s; ${await page.locator('#status').textContent()}`);
  await page.waitForTimeout(1000);
  const box = await page.locator('#map').boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const timed = async (name, act) => {
    await page.evaluate(() => {
      window.frames_ = [];
      let last = performance.now();
      const frame = (now) => { window.frames_.push(now - last); last = now; if (window.frames_) requestAnimationFrame(frame); };
      requestAnimationFrame((now) => { last = now; requestAnimationFrame(frame); });
    });
    const before = await cpu();
    await act();
    const used = (await cpu()) - before;
    const times = (await page.evaluate(() => { const f = window.frames_; window.frames_ = null; return f; })).sort((a, b) => a - b);
    const at = (q) => times[Math.min(times.length - 1, Math.floor(q * times.length))].toFixed(0);
    console.log(`${name}: ${times.length} frames, median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms; processor ${(1000 * used / times.length).toFixed(1)} ms a frame, ${used.toFixed(2)} s in all`);
  };
  await timed('pan', async () => {
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let i = 0; i < 60; i++) await page.mouse.move(x + 3 * i, y + i);
    await page.mouse.up();
    await page.waitForTimeout(800);
  });
  await timed('zoom', async () => {
    for (let i = 0; i < 6; i++) {
      await page.mouse.wheel(0, i < 3 ? -240 : 240);
      await page.waitForTimeout(150);
    }
    await page.waitForTimeout(800);
  });
  await timed('filter', async () => {
    await page.check('#filters .facet input >> nth=0');
    await page.waitForTimeout(800);
  });
  await browser.close();
}

const [what, file, n] = process.argv.slice(2);
if (what === 'make') make(file, Number(n || 20000));
else if (what) await measure(what);
else console.error('node measure.mjs make sites.geojson | node measure.mjs page.html');
