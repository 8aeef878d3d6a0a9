// What every script that drives the console shares: the browser, who is signed in, what a page must never do.
//
// A script reads what it needs to know of the world from its standard input and says nothing unless it fails. Nothing here
// waits for time to pass: it waits for what a person would see.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';

const installed = createRequire(path.join(process.env.HOLDFAST_TEST_ASSETS, 'npm', 'script.js'));
const {chromium} = installed('playwright-core');

/** The code of the accessibility checker, to be run inside a page. */
export const axe = () => fs.readFileSync(installed.resolve('axe-core/axe.min.js'), 'utf8');

/** What the caller says of the world: `base`, `code`, `forge`, `control`, `tokens`, `storage` and what only one script needs. */
export const world = JSON.parse(fs.readFileSync(0, 'utf8'));

/** Who sets the installation up. */
export const owner = {email: 'ada@example.com', name: 'Ada Lovelace', password: 'correct horse battery staple'};

/** The tenant that the set-up page makes. */
export const tenant = 'first';

/** How a page may be looked at. */
export const LOOKS = {
  light: {colorScheme: 'light'},
  dark: {colorScheme: 'dark'},
  phone: {viewport: {width: 390, height: 844}, hasTouch: true, isMobile: true},
};

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/** How long a page may take to show what an act of the person leads to. */
const PATIENCE_MS = 20_000;

/** How long a run may take. */
export const RUN_MS = 120_000;

const steps = [];
const complaints = [];
const pages = [];

/** Notes what is being done, for whoever reads a failure. */
export function step(text) {
  steps.push(text);
}

/** Runs one script in one browser and ends the process with what came of it. */
export async function drive(script) {
  const browser = await chromium.launch({executablePath: process.env.HOLDFAST_TEST_BROWSER, args: FLAGS});
  try {
    await script(new Console(browser));
    assert.deepEqual(complaints, [], 'pages complain');
  } catch (error) {
    process.exitCode = 1;
    console.error(`${error.stack}\n\nDone before that:\n  ${steps.join('\n  ')}`);
    if (complaints.length > 0) console.error(`\nComplaints of pages:\n  ${complaints.join('\n  ')}`);
    await show();
  } finally {
    await browser.close();
  }
}

/** What the last page looked like. */
async function show() {
  const page = pages.filter((one) => !one.isClosed()).at(-1);
  if (!page) return;
  const picture = path.join(os.tmpdir(), `holdfast-console-${process.pid}.png`);
  const words = await page.locator('body').ariaSnapshot({timeout: 2000}).catch((error) => error.message);
  await page.screenshot({path: picture, fullPage: true}).catch(() => {});
  console.error(`\nThe last page, ${page.url()}, is in ${picture}:\n${words}`);
}

/** A browser that looks at one installation. */
export class Console {
  constructor(browser) {
    this.browser = browser;
  }

  /** A person's window: a page with cookies of its own. */
  async window(options = {}) {
    const context = await this.browser.newContext({
      baseURL: world.base,
      viewport: {width: 1440, height: 900},
      reducedMotion: 'reduce',
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    pages.push(page);
    watch(page);
    return page;
  }
}

/** From here on the page may answer with these statuses, which a test asks for. */
export function allow(page, ...statuses) {
  page.allowed = new Set([...(page.allowed ?? []), ...statuses]);
}

/** Answers that are part of the console's own way: a form with errors, and an edit that came second. */
const ORDINARY = [409, 422];

function watch(page) {
  const complain = (text) => complaints.push(`${new URL(page.url() || world.base).pathname}: ${text}`);
  page.on('pageerror', (error) => complain(error.message));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    // The browser says this of every answer from 400 on; those are judged below.
    if (message.text().startsWith('Failed to load resource: the server responded with a status of')) return;
    complain(message.text());
  });
  page.on('response', (response) => {
    const status = response.status();
    if (status < 400 || ORDINARY.includes(status) || page.allowed?.has(status)) return;
    complain(`${response.request().method()} ${response.url()} was answered with ${status}`);
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText;
    // Leaving a page ends its live stream, and a download is no page.
    if (why === 'net::ERR_ABORTED') return;
    complain(`${request.method()} ${request.url()} failed: ${why}`);
  });
}

// What a person sees and does, by the words on the page.

export const button = (scope, name) => scope.getByRole('button', {name, exact: true});
export const link = (scope, name) => scope.getByRole('link', {name, exact: true});
export const field = (scope, label) => scope.getByLabel(label, {exact: true});
export const heading = (scope, name) => scope.getByRole('heading', {name, exact: true});
export const panel = (page) => page.getByRole('dialog');

/** Waits until a page is drawn as it stays: its font is there, and its panel is open. */
export async function settled(page) {
  await page.waitForLoadState('load');
  await page.evaluate(() => document.fonts.ready.then(() => true));
  await page.waitForFunction(() => {
    const panel = document.querySelector('dialog[open]');
    return !panel || panel.matches(':modal');
  });
}

/** Waits until something is on the page. */
export async function sees(locator, timeout = PATIENCE_MS) {
  await locator.first().waitFor({state: 'visible', timeout});
}

/** Waits until a text is on the page. */
export async function reads(scope, text, timeout = PATIENCE_MS) {
  // Menus that are closed have words too.
  await sees(scope.getByText(text).filter({visible: true}), timeout);
}

/** Waits until something has left the page. */
export async function misses(locator) {
  await locator.first().waitFor({state: 'hidden'});
}

/** Asks again and again until the answer is yes; what is asked takes its own time. */
export async function until(what, ask, deadline = RUN_MS) {
  const end = Date.now() + deadline;
  while (!(await ask())) {
    assert.ok(Date.now() < end, `${what} does not happen`);
  }
}

// The simulated forge.

/** Counters of the forge by user, since they were last reset. */
export async function spent(login) {
  const statistics = await (await fetch(`${world.control}/statistics`)).json();
  return statistics.by_user[login]?.requests ?? 0;
}

export async function resetCounters() {
  await fetch(`${world.control}/reset-statistics`, {method: 'POST'});
}

/** Changes the forge. */
export async function mutate(mutation) {
  const answer = await fetch(`${world.control}/mutate`, {
    method: 'POST',
    headers: {'content-type': 'application/json'},
    body: JSON.stringify(mutation),
  });
  assert.ok(answer.ok, await answer.text());
}
