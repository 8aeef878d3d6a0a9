// Somebody without a mouse signs in and adds an account.

import assert from 'node:assert/strict';

import {setUp} from './acts.mjs';
import {drive, field, heading, link, owner, panel, reads, sees, step, world} from './console.mjs';

/** So many presses lead round any page. */
const ROUND = 120;

drive(async (console) => {
  await setUp(await console.window());
  const page = await console.window();
  await page.goto('/login');
  await type(page, field(page, 'E-mail'), owner.email);
  await type(page, field(page, 'Password'), owner.password);
  await page.keyboard.press('Enter');
  await sees(heading(page, 'GitHub organizations'));

  step('the first stop skips what every page has');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'Skip to content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');

  await press(page, page.getByRole('main').getByRole('link', {name: 'Edit acme'}));
  await sees(heading(panel(page), 'Edit GitHub organization'));
  await press(page, link(panel(page), 'Manage credentials'));
  await sees(heading(panel(page), 'Manage credentials'));
  await press(page, panel(page).locator('summary', {hasText: 'Add new'}));
  await press(page, link(panel(page), 'Access Token'));
  await type(page, field(panel(page), 'Account username'), 'backup-one');
  await type(page, field(panel(page), 'New access token'), 'github_pat_11AAAAAAA0_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
  await page.keyboard.press('Enter');

  step('what is wrong has the focus, and leads to its field');
  await reads(panel(page), /This is a fine-grained token/);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'alert');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'token');
  await page.keyboard.type(world.tokens['backup-one'][0]);
  await page.keyboard.press('Enter');
  await sees(link(panel(page), 'Enable it in a plan'));

  step('Esc leaves, and the page behind has the focus');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('dialog[open]'));
  assert.notEqual(await focused(page), '');
});

const focused = (page) =>
  page.evaluate(() => (document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim());

/** Presses Tab until something has the focus, which then must show. */
async function reach(page, target) {
  await sees(target);
  const wanted = await target.first().elementHandle();
  for (let presses = 0; presses < ROUND; presses += 1) {
    const has = await wanted.evaluate((one) => {
      const part = one.closest('a, button, input, select, textarea, summary') ?? one;
      if (part !== document.activeElement) return false;
      const {outlineStyle, outlineWidth, boxShadow} = getComputedStyle(part);
      return {shows: (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none'};
    });
    if (has) {
      assert.ok(has.shows, `nothing shows that ${target} has the focus`);
      return;
    }
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab never comes to ${target}`);
}

async function press(page, target) {
  step(`press ${target}`);
  await reach(page, target);
  await page.keyboard.press('Enter');
}

async function type(page, target, text) {
  await reach(page, target);
  await page.keyboard.type(text);
}
