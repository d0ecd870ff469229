// What a browser test stands on: the sandbox as a process, headless Chromium, a wire that can be cut, and a list of what
// the pages complained of.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = process.env.KEFU_BRIDGE ?? `${root}target/debug/kefu-bridge`;
const shots = process.env.SHOTS;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required'];

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

/** Starts the sandbox and the browser. */
export async function start() {
  const url = `http://127.0.0.1:${await freePort()}`;
  const printed = [];
  const sandbox = spawn(program, ['sandbox', '--listen', new URL(url).host], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'warn' } });
  await new Promise((resolve, reject) => {
    sandbox.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
    createInterface({ input: sandbox.stdout }).on('line', (line) => { printed.push(line); if (line.includes('wire.html')) resolve(); });
  });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
  const complaints = [];
  let checks = 0;
  return {
    url, complaints, browser,
    /** The address the sandbox printed on the line with these words. */
    printed: (words) => /https?:\/\/\S+/.exec(printed.find((line) => line.includes(words)))[0],
    passed: (what) => { checks += 1; console.log(`ok ${checks} - ${what}`); },
    allPassed: () => console.log(`\n${checks} passed, 0 failed`),
    look: async (page, name) => { if (shots) await page.screenshot({ path: `${shots}/${name}.png` }); },
    async open(address, { locale = 'zh-CN', width = 900, height = 760, colorScheme = 'light', heed = true } = {}) {
      const context = await browser.newContext({ locale, viewport: { width, height }, colorScheme, permissions: ['microphone'] });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      if (heed) {
        page.on('console', (message) => message.type() === 'error' && complaints.push(`${address}: ${message.text()}`));
        page.on('pageerror', (error) => complaints.push(`${address}: ${error.message}`));
      }
      await page.goto(new URL(address, url).href);
      return page;
    },
    async end() {
      await browser.close();
      sandbox.removeAllListeners('exit');
      sandbox.kill('SIGTERM');
    },
  };
}

/** A wire to an address that can be cut and mended. */
export async function wireTo(address) {
  const { hostname, port } = new URL(address);
  const ends = new Set();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(Number(port), hostname);
    for (const [end, other] of [[near, far], [far, near]]) {
      ends.add(end);
      end.on('error', () => other.destroy());
      end.on('close', () => { ends.delete(end); other.destroy(); });
      end.pipe(other);
    }
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() { isCut = true; ends.forEach((end) => end.destroy()); },
    mend() { isCut = false; },
    close() { server.close(); ends.forEach((end) => end.destroy()); },
  };
}
