// Every mail in a real browser: width, accessibility, contrast, no request to anywhere.
//
//   node mails.mjs FOLDER     FOLDER as CODEVD_MAILS=FOLDER cargo test --test all mails_can writes it
//
// Each mail is shown at 360 and 700 px, light and dark; axe-core looks at both colours.
// Ends with 1 when something is wrong; each finding names the mail, the width and the rule.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { axeSource, openBrowser } from './chromium.mjs';

const folder = process.argv[2];
if (!folder) throw new Error('usage: node mails.mjs FOLDER');
const WIDTHS = [360, 700];
const SCHEMES = ['light', 'dark'];
const LIMIT = 90_000; // bytes: Gmail clips near 102 kB (mail-look 9)
const WORKERS = 2;

const names = readdirSync(folder).filter((name) => name.endsWith('.html')).sort();
if (names.length === 0) throw new Error(`${folder} holds no mail`);
const findings = [];
let views = 0;

/** The checks find what is wrong in bad.html: a check that can't fail says nothing. */
async function provesItself(browser) {
  const page = await (await browser.newContext()).newPage();
  await look(page, 'bad.html', readFileSync(new URL('bad.html', import.meta.url), 'utf8'), WIDTHS[0], 'light');
  await page.context().close();
  const told = findings.splice(0).join('\n');
  views = 0;
  for (const rule of ['px wide', 'asks for https://tracker.example', 'color-contrast', 'html-has-lang', 'image-alt']) {
    if (!told.includes(rule)) throw new Error(`the check does not find "${rule}" in bad.html:\n${told}`);
  }
}

/** One mail, at one width in one scheme, in a page that may not ask for anything. */
async function look(page, name, html, width, scheme) {
  const asked = [];
  const heard = (request) => { if (!request.url().startsWith('about:')) asked.push(request.url()); };
  page.on('request', heard);
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: scheme });
  await page.setContent(html, { waitUntil: 'load' });
  const where = `${name}, ${width} px, ${scheme}`;
  const broad = await page.evaluate(() => document.documentElement.scrollWidth);
  if (broad > width) findings.push(`${where}: is ${broad} px wide`);
  for (const url of asked) findings.push(`${where}: asks for ${url}`);
  if (width === WIDTHS[0]) await axe(page, where);
  page.off('request', heard);
  views += 1;
}

async function axe(page, where) {
  await page.evaluate(axeSource);
  // a mail is no site: the rules for a whole page's landmarks do not apply to it
  const result = await page.evaluate(() => window.axe.run(document, {
    rules: { region: { enabled: false }, 'landmark-one-main': { enabled: false } },
  }));
  for (const violation of result.violations) {
    for (const node of violation.nodes) {
      findings.push(`${where}: ${violation.id}: ${violation.help}: ${node.html.slice(0, 160)}`);
    }
  }
}

const browser = await openBrowser();
await provesItself(browser);
const queue = [...names];
await Promise.all(Array.from({ length: WORKERS }, async () => {
  const context = await browser.newContext({ offline: true });
  const page = await context.newPage();
  for (let name = queue.shift(); name; name = queue.shift()) {
    const html = readFileSync(join(folder, name), 'utf8');
    const size = Buffer.byteLength(html);
    if (size > LIMIT) findings.push(`${name}: ${size} bytes of HTML, at most ${LIMIT}`);
    for (const width of WIDTHS) for (const scheme of SCHEMES) await look(page, name, html, width, scheme);
  }
  await context.close();
}));
await browser.close();

for (const finding of findings) console.log(finding);
console.log(`${names.length} mails, ${views} views, ${findings.length} findings`);
process.exitCode = findings.length ? 1 : 0;
