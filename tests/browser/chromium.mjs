// The system's Chromium, driven by playwright-core; axe-core's text to put into a page; the running demo.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);

export const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** No call home of its own: where there is no network, those are refused by the hundred. */
const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** Debian's package, or what CHROMIUM names. */
export function openBrowser() {
  const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const executablePath = candidates.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error('no Chromium found; install it or set CHROMIUM');
  return chromium.launch({ executablePath, args: QUIET });
}

/** The demo without a terminal: its process and its address, which is the first line it prints. */
export async function startDemo(binary, language) {
  const demo = spawn(binary, ['demo', '--page', '--port', '0', '--lang', language], { stdio: ['ignore', 'pipe', 'inherit'] });
  const address = await new Promise((resolve, reject) => {
    let said = '';
    demo.stdout.on('data', (data) => {
      if (said.includes('\n')) return;
      said += data;
      if (said.includes('\n')) resolve(said.split('\n')[0].trim());
    });
    demo.on('exit', (code) => reject(new Error(`the demo ended with ${code}`)));
  });
  return { demo, address };
}
