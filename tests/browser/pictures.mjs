// The README's pictures: screenshots of the running demo, small enough to lie in the repository.
//
//   node pictures.mjs CODEVD FOLDER     writes invitation, step, digest and demo, each as NAME.fr.webp and NAME.en.webp
//
// Chromium itself writes WebP; PNG=1 writes each as PNG too, to look at. Ends with 1 when all of them together are over 400 kB.
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBrowser, startDemo } from './chromium.mjs';

const [binary, folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: node pictures.mjs CODEVD FOLDER');
mkdirSync(folder, { recursive: true });
const LIMIT = 400_000;
let bytes = 0;

/** What stands in the window, as WebP. */
async function picture(page, name, clip) {
  const devtools = await page.context().newCDPSession(page);
  const shot = await devtools.send('Page.captureScreenshot', {
    format: 'webp', quality: 74, clip: clip && { ...clip, scale: 1 }, captureBeyondViewport: Boolean(clip),
  });
  const path = join(folder, `${name}.webp`);
  writeFileSync(path, Buffer.from(shot.data, 'base64'));
  bytes += statSync(path).size;
  if (process.env.PNG) await page.screenshot({ path: join(folder, `${name}.png`), clip });
  console.log(`${String(Math.round(statSync(path).size / 1024)).padStart(4)} kB  ${path}`);
}

const press = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);

/** The newest mail of somebody's box whose subject holds this: its address. */
async function mail(page, who, subject) {
  await page.goto(`/p/${who}`);
  return page.locator('.mails li:not(.own) a', { hasText: subject }).first().getAttribute('href');
}

/** A mail alone, from its top, as high as `height` at most. */
async function letter(page, name, address, width, height) {
  await page.setViewportSize({ width, height });
  await page.goto(`${address}/html`);
  const full = await page.evaluate(() => document.body.scrollHeight);
  await picture(page, name, { x: 0, y: 0, width, height: Math.min(height, full) });
}

async function take(browser, language, words) {
  const { demo, address } = await startDemo(binary, language);
  const context = await browser.newContext({ baseURL: address, colorScheme: 'light' });
  const page = await context.newPage();
  try {
    await page.setViewportSize({ width: 1080, height: 860 });
    await page.goto(`/p/${words.facilitator}`);
    await press(page, '#seat');
    // the welcome comes first, then the invitation
    while (!(await page.locator('.letter .card').count())) await press(page, '#do-mine');
    await page.waitForTimeout(300);
    await picture(page, `invitation.${language}`);
    await page.goto(`/p/${words.facilitator}`);
    await press(page, '#seat');
    await press(page, '#do-session');
    while (!(await page.textContent('#live-title')).startsWith('4/6')) await press(page, '#do-next');
    await letter(page, `step.${language}`, await mail(page, 'ana', '4/6'), 360, 720);
    // the facilitator's seat is taken again: the page has the buttons of the session, and the month below
    await page.setViewportSize({ width: 1240, height: 860 });
    await page.goto(`/p/${words.facilitator}`);
    await press(page, '#seat');
    await page.goto('/');
    await picture(page, `demo.${language}`);
    await page.goto(`/p/${words.facilitator}`);
    await press(page, '#seat');
    await page.goto('/digest');
    await press(page, 'button[value="digest"]');
    await letter(page, `digest.${language}`, await mail(page, 'ana', words.digest), 640, 900);
  } finally {
    demo.kill('SIGINT');
    await context.close();
  }
}

const browser = await openBrowser();
try {
  await take(browser, 'fr', { facilitator: 'marie', digest: 'Synthèse' });
  await take(browser, 'en', { facilitator: 'mary', digest: 'Digest' });
} finally {
  await browser.close();
}
console.log(`${Math.round(bytes / 1024)} kB in all`);
if (bytes > LIMIT) process.exit(1);
