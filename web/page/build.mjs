// Bundles src/ to src/report/page/ of the program: bundle.js, bundle.css, frame.html.
//
//   node build.mjs          writes them
//   node build.mjs --check  fails where they do not belong to these sources
//
// The first line of bundle.js and bundle.css names the SHA-256 of everything that went in.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', '..', 'src', 'report', 'page');

/** Over names and bytes of the sources in order; tests/page.rs computes the same. */
function digest() {
  const hash = createHash('sha256');
  const names = ['build.mjs', 'package-lock.json', 'package.json', ...readdirSync(join(here, 'src')).sort().map((n) => `src/${n}`)];
  for (const n of names) hash.update(`${n}\n`).update(readFileSync(join(here, n)));
  return hash.digest('hex');
}

const sources = `/* sources sha256 ${digest()} */`;
if (process.argv.includes('--check')) {
  const stale = ['bundle.js', 'bundle.css'].filter((n) => !readFileSync(join(out, n), 'utf8').startsWith(sources));
  if (stale.length) {
    console.error(`not made from these sources: ${stale.join(', ')}; run npm run build`);
    process.exit(1);
  }
  console.log('the bundle belongs to the sources');
  process.exit(0);
}

const esbuild = await import('esbuild');
const licences = new Map();
function licence(path) {
  const at = path.lastIndexOf('node_modules/');
  if (at < 0) return;
  const parts = path.slice(at + 13).split('/');
  const name = parts[0].startsWith('@') ? `${parts[0]}/${parts[1]}` : parts[0];
  if (licences.has(name)) return;
  const dir = join(here, 'node_modules', name);
  const about = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
  const file = readdirSync(dir).find((f) => /^licen[cs]e/i.test(f));
  if (!file) throw new Error(`${name} carries no licence text`);
  licences.set(name, { version: about.version, licence: about.license, text: readFileSync(join(dir, file), 'utf8').trim() });
}

async function bundle(entry, target) {
  const done = await esbuild.build({
    entryPoints: [join(here, entry)], bundle: true, minify: true, write: false, metafile: true, format: 'iife', charset: 'utf8',
    target: ['chrome100', 'firefox100', 'safari15'], legalComments: 'none', absWorkingDir: here, outfile: target,
  });
  Object.keys(done.metafile.inputs).forEach(licence);
  return done.outputFiles[0].text;
}

const js = await bundle('src/main.js', 'bundle.js');
const css = (await bundle('src/page.css', 'bundle.css')) + (await bundle('src/print.css', 'print.css'));
const names = [...licences].sort(([a], [b]) => (a < b ? -1 : 1));
const list = names.map(([n, l]) => `${n} ${l.version} (${l.licence})`).join(', ');
const header = `${sources}\n/* heshan's map page; holds ${list}: licences in THIRD-PARTY.md and at the end of this script */\n`;
const texts = names.map(([n, l]) => `${n} ${l.version}\n\n${l.text}`).join('\n\n---\n\n').replaceAll('*/', '* /');
for (const [name, text] of [['bundle.js', js], ['bundle.css', css]]) {
  // the bundle stands inside HTML: what would end its element must not occur in it
  if (/<\/(script|style)|<!--/i.test(text)) throw new Error(`${name} holds what would end its element`);
}
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'bundle.js'), `${header}${js}/*\n${texts.replaceAll('</script', '< /script').replaceAll('<!--', '< !--')}\n*/\n`);
writeFileSync(join(out, 'bundle.css'), `${sources}\n${css}`);
writeFileSync(join(out, 'frame.html'), readFileSync(join(here, 'src', 'page.html'), 'utf8'));
const md = names.map(([n, l]) => `## ${n} ${l.version}\n\n${l.licence}\n\n\`\`\`text\n${l.text}\n\`\`\`\n`).join('\n');
writeFileSync(join(out, 'THIRD-PARTY.md'), `# What the map page holds of others\n\nWritten by web/page/build.mjs from the packages that esbuild bundled.\n\n${md}`);
console.log(`bundle.js ${js.length} characters, bundle.css ${css.length}; ${list}`);
