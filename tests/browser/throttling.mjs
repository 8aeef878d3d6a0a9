// The page is open while a credential runs dry, another takes over, both are spent, and the run goes on: all without a reload.
// When it has ended, the end that was foretold is compared with the real one.

import assert from 'node:assert/strict';

import {at, setUp, signIn, startRun, tab} from './acts.mjs';
import {RUN_MS, drive, reads, sees, step} from './console.mjs';

/**
 * How far the foretold end may be from the real one, in percent of the way there. Three windows of seconds are a coarse measure: a whole
 * window's end is a third of the way, and a second of slack two percent.
 */
const PERCENT = 25;

drive(async (console) => {
  const page = await console.window();
  await setUp(page);
  await tab(page, 'Throttling');
  const part = (name) => page.getByRole('region', {name, exact: true});
  await reads(part('Next decision'), 'No task is under way.');
  await page.evaluate(() => { window.isTheSamePage = true; });

  const other = await console.window();
  await signIn(other);
  await startRun(other, 'weekly');

  step('the page shows who spends, who is next and when it ends');
  await sees(part('Limits').getByText('In use', {exact: true}), RUN_MS);
  await sees(part('Queue').getByRole('link', {name: 'weekly', exact: true}));
  await reads(part('Next decision'), /left to spend, resets/);
  await reads(part('Expected end'), /requests to go/);

  step('a credential runs dry and another one takes over');
  await sees(part('Limits').getByText(/^Spent until \d\d:\d\d:\d\d$/), RUN_MS);
  await sees(part('Throttle events').getByText('Spent', {exact: true}));
  await sees(part('Throttle events').getByText('Switched', {exact: true}), RUN_MS);

  step('all are spent, and the run waits');
  await reads(part('Next decision'), /^Every credential is spent/);
  await sees(part('Throttle events').getByText('Waits', {exact: true}), RUN_MS);

  step('it goes on');
  await sees(part('Throttle events').getByText('Free again', {exact: true}), RUN_MS);
  await sees(part('Throttle events').getByText('Resumed', {exact: true}), RUN_MS);
  await sees(part('Next decision').getByText('Why this credential'));

  step('it ends');
  await reads(part('Queue'), 'Nothing waits.', RUN_MS);
  assert.equal(await page.evaluate(() => window.isTheSamePage), true, 'the page was loaded again');

  step('the forecast held');
  const progress = other.getByRole('region', {name: 'Progress', exact: true});
  await sees(progress.getByText('Complete', {exact: true}), RUN_MS);
  const words = await progress.getByText(/^Foretold were/).textContent();
  const [, missed] = words.match(/(\d+) % of the way/) ?? [words, '0'];
  assert.match(words, /came (to the second|.* of the way)\.$/);
  assert.ok(Number(missed) <= PERCENT, words);

  step('the past of a bucket');
  await part('Limits').getByRole('link').first().click();
  await page.waitForURL(`**${at('/throttling/')}*`);
  await sees(page.getByRole('img', {name: /^Requests left/}));
  await sees(page.getByRole('img', {name: /^Requests spent/}));
});
