// The demo's page in a real browser: width, accessibility, contrast, keys, no request to anywhere else.
//
//   node demo.mjs CODEVD [SHOTS]     CODEVD is the built binary; pictures of every view go into the folder SHOTS
//
// A month is played from the facilitator's seat in French and in English; at each stop the views are looked at
// at 360 and 1280 px, light and dark, by axe-core too. Ends with 1 when something is wrong.
// LANGUAGES="en" plays in one language.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { axeSource, openBrowser, startDemo } from './chromium.mjs';

const [binary, shots] = process.argv.slice(2);
const LANGUAGES = (process.env.LANGUAGES ?? 'fr en').split(' ');
if (!binary) throw new Error('usage: node demo.mjs CODEVD [SHOTS]');
if (shots) mkdirSync(shots, { recursive: true });
const WIDTHS = [360, 1280];
const SCHEMES = ['light', 'dark'];
const findings = [];
let views = 0;

function found(view, text) { findings.push(`${view}: ${text}`); }

/** One view at every width and in both schemes. */
async function look(page, name, path) {
  for (const scheme of SCHEMES) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const width of WIDTHS) {
      const view = `${name} ${width} ${scheme}`;
      await page.setViewportSize({ width, height: 900 });
      const answer = await page.goto(path, { waitUntil: 'load' });
      if (!answer.ok()) found(view, `answers ${answer.status()}`);
      views += 1;
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) found(view, `is ${wide} px wide`);
      if (shots) await page.screenshot({ path: join(shots, `${name}-${width}-${scheme}.png`), fullPage: true });
      if (width !== WIDTHS[0]) continue;
      await page.evaluate(axeSource);
      const { violations } = await page.evaluate(() => window.axe.run(document, { iframes: false }));
      for (const v of violations) found(view, `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3).join(' | ')}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

const press = (page, what) => Promise.all([page.waitForNavigation(), page.click(`#do-${what}`)]);

/** The whole way a newcomer goes. */
async function play(browser, language) {
  const { demo, address } = await startDemo(binary, language);
  const page = await (await browser.newContext({ baseURL: address, bypassCSP: true })).newPage();
  const ended = new Promise((resolve) => demo.on('exit', resolve));
  page.on('request', (r) => { if (!r.url().startsWith(address)) found(language, `asks for ${r.url()}`); });
  page.on('pageerror', (error) => found(language, `script: ${error.message}`));
  try {
    await look(page, `${language}-1-start`, '/');
    await Promise.all([page.waitForNavigation(), page.click('button[value="take"]')]);
    const home = new URL(page.url()).pathname;
    await look(page, `${language}-2-seat`, home);
    await press(page, 'mine');
    await look(page, `${language}-3-invitation`, new URL(page.url()).pathname);
    await button(page, language);
    await look(page, `${language}-4-text`, `${new URL(page.url()).pathname}?look=text`);
    await look(page, `${language}-5-source`, `${new URL(page.url()).pathname}?look=source`);
    await press(page, 'session');
    await press(page, 'mine');
    await look(page, `${language}-6-live`, new URL(page.url()).pathname);
    await Promise.all([page.waitForNavigation(), page.click('#order-next')]);
    await look(page, `${language}-7-next`, new URL(page.url()).pathname + new URL(page.url()).search);
    await keys(page, language, home);
    await look(page, `${language}-8-calendar`, `${home}/calendar`);
    await look(page, `${language}-8-habits`, '/p/ana/habits');
    await look(page, `${language}-9-other`, '/p/farid');
    await page.goto('/digest');
    await Promise.all([page.waitForNavigation(), page.click('button[value="digest"]')]);
    await look(page, `${language}-10-digest`, '/digest');
    await look(page, `${language}-11-month`, '/');
    await look(page, `${language}-12-elsewhere`, '/elsewhere?link=https%3A%2F%2Fvisio.example');
  } finally {
    demo.kill('SIGINT');
    await ended;
    await page.context().close();
  }
}

/** A button inside the mail opens the page's form, filled in; sending it comes back to the mail. */
async function button(page, language) {
  await page.frameLocator('iframe.mail').locator('td.button a').first().click();
  await page.waitForURL(/compose/);
  if (!(await page.inputValue('#text'))) found(language, 'the mail\'s button fills nothing in');
  await look(page, `${language}-3-compose`, page.url());
  await Promise.all([page.waitForNavigation(), page.click('.compose button.first')]);
  if (!(await page.locator('.notice q').count())) found(language, 'no receipt is shown');
}

/** The keys, and the focus that they can be seen by. */
async function keys(page, language, home) {
  await page.goto(home);
  const clock = () => page.textContent('.now time');
  const before = await clock();
  await Promise.all([page.waitForNavigation(), page.keyboard.press('n')]);
  if ((await clock()) === before) found(language, 'the key n does not move the clock');
  await page.keyboard.press('j');
  await page.waitForURL(/\/m\/\d+/, { timeout: 5000 }).catch(() => found(language, 'the key j opens no mail'));
  await page.goto(`${home}/m/0`);
  await page.keyboard.press('r');
  if (!(await page.evaluate(() => document.activeElement.tagName === 'TEXTAREA'))) found(language, 'the key r is no way to the reply');
  await page.keyboard.type('n');
  if ((await page.inputValue('#text')) !== 'n') found(language, 'a key pressed while writing does something else');
  await page.goto('/');
  await page.keyboard.press('Tab');
  if (!(await page.evaluate(() => document.activeElement.matches('.skip')))) found(language, 'the first stop is not the way to the content');
}

const browser = await openBrowser();
try {
  for (const language of LANGUAGES) await play(browser, language);
} finally {
  await browser.close();
}
if (findings.length > 0) {
  console.error(findings.join('\n'));
  process.exit(1);
}
console.log(`demo: ${views} views, nothing found`);
