// Every page, in one look: accessible, narrow enough, without a word in the console.

import assert from 'node:assert/strict';

import {addWebhook, beginSecondFactor, checkAgain, setUp, turnOnSecondFactor} from './acts.mjs';
import {makeApplication, onForge, registerByApp} from './apps.mjs';
import {LOOKS, axe, drive, owner, sees, settled, step, world} from './console.mjs';
import {crawl} from './crawl.mjs';
import {codeOf} from './totp.mjs';

const STANDARDS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** The narrowest screen: 1280 pixels at 400 %. */
const NARROWEST = {width: 320, height: 640};

/** What no page links to: files, live streams, what is sent by other means, ways back from hosts, and pages of who is not signed in. */
const APART = /^\/static\/|\/events\/|^\/(setup|login|login\/code|invitation\/\{token\}|search|account\/second-factor(\/new)?|(github|gitlab)\/callback|applications\/made)$|\/search$|^\/t\/\{tenant\}$/;

/** Parts that may be wider than they are shown: they can be scrolled by themselves. */
const SCROLLED = '.tbl-wrap, .tabs, .seg, .log, pre, svg';

drive(async (console) => {
  const checker = axe();
  const page = await console.window(LOOKS[world.look]);
  const wrong = [];

  const look = async (kind) => {
    await settled(page);
    wrong.push(...(await violations(page, checker)).map((fault) => `${kind}: ${fault}`));
    if (world.look !== 'phone') return;
    const usual = page.viewportSize();
    await page.setViewportSize(NARROWEST);
    wrong.push(...(await overflows(page)).map((fault) => `${kind}: ${fault}`));
    await page.setViewportSize(usual);
  };

  await page.goto('/');
  await look('/setup');
  await setUp(page, world.tenant);
  const stranger = await console.window(LOOKS[world.look]);
  await stranger.goto('/login');
  step('/login');
  wrong.push(...(await violations(stranger, checker)).map((fault) => `/login: ${fault}`));

  // An organization that was registered by an application has pages of its own.
  await onForge(page, 'backup-two');
  await makeApplication(page, 'Main GitHub App', 'Backup');
  await page.goto('/');
  await registerByApp(page, 'by-app');

  // What only shows on the way to something: a token being tried, a second factor before it is on, and after.
  await addWebhook(page, 'on call', 'http://127.0.0.1:9/alerts', 'a secret of both sides');
  await sees(page.getByRole('row', {name: /on call/}));
  const check = await checkAgain(page);
  await page.goto('/account/second-factor/new');
  await look('/account/second-factor/new');
  const key = await beginSecondFactor(page);
  await look('/account/second-factor');
  await turnOnSecondFactor(page, codeOf(key));
  await look('recovery codes');
  const {pages, reached} = await crawl(page, [check]);
  assert.deepEqual(unreached(reached), [], 'no link leads there');
  for (const [kind, address] of pages) {
    step(address);
    await page.goto(address);
    await look(kind);
  }
  assert.deepEqual(wrong, [], `as ${owner.name} sees them, ${world.look}`);
});

/** Rows of the table of routes that nobody finds by following links. */
function unreached(reached) {
  return world.addresses.filter((row) => {
    if (APART.test(row)) return false;
    const pattern = new RegExp(`^${row.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);
    return !reached.some((address) => pattern.test(address));
  });
}

async function violations(page, checker) {
  await page.evaluate(checker);
  const found = await page.evaluate(
    (values) => globalThis.axe.run(document, {runOnly: {type: 'tag', values}}).then((result) => result.violations),
    STANDARDS,
  );
  return found.map((one) => {
    const nodes = one.nodes.map((node) => `${node.target.join(' ')} (${node.any[0]?.message ?? node.failureSummary})`);
    return `${one.id}: ${nodes.slice(0, 3).join('; ')}`;
  });
}

async function overflows(page) {
  return page.evaluate((scrolled) => {
    const wide = [...document.querySelectorAll('body *')].filter((part) => {
      const {width, right} = part.getBoundingClientRect();
      return width > 0 && right > innerWidth + 1 && !part.closest(scrolled) && !part.closest('.visually-hidden, .skip');
    });
    return wide.slice(0, 3).map((part) => `${part.tagName.toLowerCase()}.${part.className} is wider than ${innerWidth} pixels`);
  }, SCROLLED);
}
