// What mail programs do with the HTML that our mails use, by caniemail's data (MIT).
//
//   node clients.mjs FOLDER [--all]
//
// Every element, attribute, style property and at-rule in FOLDER's mails is looked up. What a
// program of clients.json does not show at all must be named there under "accepted", with what its
// reader loses; an entry that nothing needs any more is a finding too.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { openBrowser } from './chromium.mjs';

const require = createRequire(import.meta.url);
const folder = process.argv[2];
if (!folder) throw new Error('usage: node clients.mjs FOLDER [--all]');
const { clients, accepted } = JSON.parse(readFileSync(new URL('clients.json', import.meta.url), 'utf8'));
const features = new Map(require('caniemail/caniemail.json').data.map((feature) => [feature.slug, feature]));

/** caniemail's name for what stands in a mail, where the plain name is not it. */
const SLUGS = {
  'html-h1': 'html-h1-h6', 'html-h2': 'html-h1-h6', 'html-h3': 'html-h1-h6',
  'html-ul': 'html-lists', 'html-ol': 'html-lists', 'html-li': 'html-lists',
  'html-tr': 'html-table', 'html-td': 'html-table', 'html-th': 'html-table', 'html-tbody': 'html-table',
  'html-a': 'html-mailto-links', 'css-border-top': 'css-border', 'css-border-left': 'css-border',
  'css-border-bottom': 'css-border', 'css-border-right': 'css-border', 'css-border-color': 'css-border',
  'css-padding-left': 'css-padding', 'css-padding-right': 'css-padding', 'css-font-family': 'css-font',
};

/** Names of everything a mail uses, found by the browser's own parser. */
function used(html) {
  const doc = new DOMParser().parseFromString(html, 'text/html');
  const names = new Set();
  const style = (declared) => { for (const name of declared) names.add(`css-${name}`); };
  for (const element of doc.querySelectorAll('*')) {
    names.add(`html-${element.localName}`);
    for (const attribute of element.attributes) names.add(`html-${attribute.name}`);
    // the source's own names: the browser would write shorthands out
    for (const part of (element.getAttribute('style') ?? '').split(';')) {
      if (part.includes(':')) names.add(`css-${part.split(':')[0].trim()}`);
    }
  }
  for (const sheet of doc.querySelectorAll('style')) {
    const text = sheet.textContent;
    for (const at of text.matchAll(/@media \(([a-z-]+)/g)) {
      names.add(features_of_media(at[1]));
    }
    style([...text.matchAll(/[{;]\s*([a-z-]+)\s*:/g)].map((found) => found[1]));
  }
  return [...names];
  function features_of_media(name) {
    return name === 'prefers-color-scheme' ? 'css-at-media-prefers-color-scheme' : 'css-at-media';
  }
}

const browser = await openBrowser();
const page = await browser.newPage();
const names = new Map();
for (const file of readdirSync(folder).filter((name) => name.endsWith('.html'))) {
  for (const name of await page.evaluate(used, readFileSync(join(folder, file), 'utf8'))) {
    if (!names.has(name)) names.set(name, file);
  }
}
await browser.close();

/** [client.platform, y|a|n|u, note numbers] as of the newest version that was tested. */
function* support(feature) {
  for (const client of clients) {
    for (const [platform, versions] of Object.entries(feature.stats[client] ?? {})) {
      const newest = Object.values(versions).at(-1);
      yield [`${client}.${platform}`, newest[0], newest.slice(1).trim()];
    }
  }
}

const findings = [];
const unused = new Set(Object.keys(accepted));
let looked = 0;
for (const [name, file] of [...names].sort()) {
  const slug = SLUGS[name] ?? name;
  const feature = features.get(slug);
  if (!feature) continue;
  looked += 1;
  const missing = [...support(feature)].filter(([, answer]) => answer === 'n').map(([client]) => client);
  if (process.argv.includes('--all')) console.log(`${name}: not in ${missing.join(', ') || 'none'}`);
  if (missing.length === 0) continue;
  if (accepted[slug]) unused.delete(slug);
  else findings.push(`${name} (${file}): not shown by ${missing.join(', ')}; ${feature.url}`);
}
for (const slug of unused) findings.push(`clients.json accepts ${slug}, which every program shows or no mail uses`);

for (const finding of findings) console.log(finding);
console.log(`${looked} features looked up, ${Object.keys(accepted).length} accepted, ${findings.length} findings`);
process.exitCode = findings.length ? 1 : 0;
