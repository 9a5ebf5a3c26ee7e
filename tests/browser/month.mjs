// A whole month played through the demo's page in a real browser, by clicks and keys alone.
//
//   node month.mjs CODEVD       CODEVD is the built binary; LANGUAGES="en" plays in one language
//
// Four seats are held: the facilitator, who accepts and leads the session; the requester, whose subject comes late;
// one who refuses and proposes another time; one whose single habit is switched off. A second window, which nobody
// touches, shows that changes arrive by themselves, and a third one that the page works without script.
// Ends with 1 at the first thing that is not as it should be.
import assert from 'node:assert/strict';
import { openBrowser, startDemo } from './chromium.mjs';

const [binary] = process.argv.slice(2);
if (!binary) throw new Error('usage: node month.mjs CODEVD');
const LANGUAGES = (process.env.LANGUAGES ?? 'fr en').split(' ');

const WORDS = {
  fr: {
    facilitator: 'marie', invitation: /venez-vous/, accepted: 'accepté', declined: 'refusé', counter: /autre date/,
    wasItYou: /bien vous/, last: /sujet ou échange/, shared: /à lire avant/, plan: /premier pas/, yes: 'oui', no: 'non',
    share: 'partager', subject: 'Mon sujet en une phrase : je n’arrive pas à dire non.\n\nAidez-moi à poser un cadre.',
    request: 'Aidez-moi à poser un cadre sans perdre leur confiance', deed: 'Écrire la règle des congés avant le 15/12',
    actions: 'tout partager\n- Écrire la règle des congés avant le 15/12',
  },
  en: {
    facilitator: 'mary', invitation: /are you coming/, accepted: 'accepted', declined: 'declined', counter: /another date/,
    wasItYou: /Was it you/, last: /subject or swap/, shared: /subject to read/, plan: /first step/, yes: 'yes', no: 'no',
    share: 'share', subject: 'My subject in one sentence: I can’t say no.\n\nHelp me to set a frame.',
    request: 'Help me to set a frame without losing their trust', deed: 'Write down the leave rule by 15 December',
    actions: 'share all\n- Write down the leave rule by 15 December',
  },
};

/** Somebody at the page. */
class Player {
  constructor(page, words) { Object.assign(this, { page, words }); }

  /** Presses something that leads to another view. */
  async press(selector) { await Promise.all([this.page.waitForNavigation(), this.page.click(selector)]); }

  async take(who) {
    await this.page.goto(`/p/${who}`);
    await this.press('#seat');
  }

  /** Opens the newest mail from codevd in somebody's box with this in its subject. */
  async open(who, subject) {
    await this.page.goto(`/p/${who}`);
    const line = this.page.locator('.mails li:not(.own) a', { hasText: subject }).first();
    assert.ok(await line.count(), `${who} has no mail ${subject}`);
    await Promise.all([this.page.waitForNavigation(), line.click()]);
  }

  /** Opens the invitation: the mail with a calendar's buttons. */
  async invitation(who) {
    await this.page.goto(`/p/${who}`);
    await Promise.all([this.page.waitForNavigation(), this.page.locator('.mails a', { has: this.page.locator('.chip') }).first().click()]);
  }

  async has(who, subject) {
    await this.page.goto(`/p/${who}`);
    return (await this.page.locator('.mails li:not(.own) a', { hasText: subject }).count()) > 0;
  }

  /** On from mail to mail until somebody has one with this in its subject. */
  async until(who, subject) {
    for (let i = 0; i < 60 && !(await this.has(who, subject)); i += 1) await this.press('#do-mine');
    await this.open(who, subject);
  }

  /** Writes an answer to the open mail, as a mail program would. */
  async reply(text, client) {
    await this.page.fill('#text', text);
    if (client) await this.page.selectOption('#client', client);
    await this.press('.answer button.first');
  }

  /** Presses a button inside the open mail, and sends the mail that it opens. */
  async button(word) {
    const link = this.page.frameLocator('iframe.mail').locator('td.button a', { hasText: word }).first();
    await Promise.all([this.page.waitForURL(/compose/), link.click()]);
    await this.press('.compose button.first');
  }

  /** What the page says came of the last answer. */
  async outcome() { return (await this.page.textContent('.notice')).replace(/\s+/g, ' '); }

  clock() { return this.page.getAttribute('.now time', 'datetime').then((at) => new Date(at)); }

  async calendar(who) {
    await this.page.goto(`/p/${who}/calendar`);
    return (await this.page.textContent('.events li:first-child')).replace(/\s+/g, ' ');
  }
}

/** Accepts; refuses and proposes; the facilitator says no to that. */
async function answers(player, words) {
  const { page } = player;
  await player.until(words.facilitator, words.invitation);
  await player.press('.calendar-buttons button[value="accepted"]');
  assert.ok((await player.calendar(words.facilitator)).includes(words.accepted));
  await player.invitation('bo');
  await player.press('.calendar-buttons button[value="declined"]');
  assert.ok((await player.calendar('bo')).includes(words.declined));
  await player.invitation('bo');
  await page.click('.calendar-buttons summary');
  await page.fill('#start', '2026-12-10T18:30');
  await player.press('button[value="counter"]');
  await player.open(words.facilitator, 'Bo');
  assert.match(await page.textContent('#subject'), words.counter);
  await player.button(words.no);
  if (await player.has(words.facilitator, words.wasItYou)) {
    await player.open(words.facilitator, words.wasItYou);
    await player.button(words.yes);
  }
  assert.match(await player.calendar('bo'), /\b8\b/, 'the session stays where it was');
}

/** The requester comes, writes at the last reminder, and shares. */
async function subject(player, words) {
  await player.invitation('farid');
  await player.button(words.yes);
  await player.until('farid', words.last);
  await player.reply(words.subject, 'iphone');
  assert.ok(await player.page.locator('iframe.mail').count());
  await player.button(words.share);
  await player.until(words.facilitator, words.shared);
}

/** "next" to every step; a pause that the clock does not run over; the request on the way. */
async function session(player, words) {
  const { page } = player;
  await player.press('#do-session');
  const steps = new Set();
  let asked = false;
  for (let i = 0; i < 60 && (await page.locator('#live-title').count()); i += 1) {
    const step = /^(\d)\/6/.exec(await page.textContent('#live-title'))?.[1];
    if (step) steps.add(step);
    if (step === '2' && steps.size === 2 && !asked) await pause(player);
    if (step === '3' && !asked) {
      asked = true;
      await player.open('farid', '3/6');
      await player.reply(words.request, 'iphone');
    }
    if (await page.locator('#order-next').count()) await player.press('#order-next');
    if (await page.locator('#live-title').count()) await player.press('#do-mine');
  }
  assert.deepEqual([...steps], ['1', '2', '3', '4', '5', '6']);
}

async function pause(player) {
  const { page } = player;
  await player.press('#order-pause');
  assert.ok(await page.locator('.live .chip').count(), 'the pause is not shown');
  const before = await player.clock();
  for (const what of ['next', 'mine', 'session']) await player.press(`#do-${what}`);
  assert.ok((await player.clock()) - before <= 15 * 60_000, 'a paused session is skipped');
  assert.ok(await page.locator('.live .chip').count());
  await player.press('#order-resume');
  assert.equal(await page.locator('.live .chip').count(), 0);
}

/** Plan and learnings, then the digest, which everybody reads. */
async function afterwards(player, words) {
  const { page } = player;
  await player.until('farid', words.plan);
  await player.reply(words.actions, 'gmail');
  await page.goto('/digest');
  await player.press('button[value="digest"]');
  const digest = await page.frameLocator('iframe.mail').locator('body').innerText();
  assert.ok(digest.includes(words.request), digest);
  assert.ok(digest.includes(words.deed), digest);
}

/** One habit is switched off with the keyboard; the person's others stay. */
async function switchOff(page) {
  await page.goto('/p/ana/habits');
  await page.focus('#habit-0');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Space')]);
  assert.equal(await page.getAttribute('#habit-0', 'aria-checked'), 'false');
  assert.equal(await page.getAttribute('#habit-1', 'aria-checked'), 'true');
}

/** A window that nobody touches: the clock there follows. */
async function follows(watched, player) {
  const shown = () => watched.getAttribute('.now time', 'datetime');
  const before = await shown();
  await player.press('#do-next');
  const now = (await player.clock()).toISOString();
  assert.notEqual(new Date(before).toISOString(), now);
  await watched.waitForFunction((at) => new Date(document.querySelector('.now time').dateTime).toISOString() === at, now, { timeout: 5000 });
}

/** Every form and the clock work where no script runs. */
async function scriptless(browser, address) {
  const context = await browser.newContext({ baseURL: address, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto('/');
  const before = await page.getAttribute('.now time', 'datetime');
  await Promise.all([page.waitForNavigation(), page.click('#do-next')]);
  assert.notEqual(await page.getAttribute('.now time', 'datetime'), before);
  await Promise.all([page.waitForNavigation(), page.click('#do-play')]);
  assert.equal(await page.locator('noscript meta[http-equiv="refresh"]').count(), 1, 'a playing page loads itself again');
  await Promise.all([page.waitForNavigation(), page.click('#do-pause')]);
  await context.close();
}

async function play(browser, language) {
  const words = WORDS[language];
  const { demo, address } = await startDemo(binary, language);
  const ended = new Promise((resolve) => demo.on('exit', resolve));
  const context = await browser.newContext({ baseURL: address });
  const complaints = [];
  try {
    const [page, watched] = [await context.newPage(), await context.newPage()];
    for (const one of [page, watched]) {
      one.on('pageerror', (error) => complaints.push(error.message));
      one.on('console', (line) => { if (line.type() === 'error') complaints.push(line.text()); });
      one.on('request', (r) => { if (!r.url().startsWith(address)) complaints.push(`asks for ${r.url()}`); });
    }
    const player = new Player(page, words);
    await watched.goto('/');
    await switchOff(page);
    for (const who of [words.facilitator, 'farid', 'bo']) await player.take(who);
    await answers(player, words);
    await follows(watched, player);
    await subject(player, words);
    await session(player, words);
    await afterwards(player, words);
    await page.goto('/p/ana');
    const own = await page.locator('.mails li.own').allInnerTexts();
    assert.ok(own.length > 0 && !own.some((line) => line.toLowerCase().includes(`[${words.accepted}]`)), own.join('\n'));
    await scriptless(browser, address);
    assert.deepEqual(complaints, []);
  } finally {
    demo.kill('SIGINT');
    await ended;
    await context.close();
  }
}

const browser = await openBrowser();
try {
  for (const language of LANGUAGES) {
    const begun = Date.now();
    await play(browser, language);
    console.log(`month in ${language}: played, ${Math.round((Date.now() - begun) / 1000)} s`);
  }
} finally {
  await browser.close();
}
