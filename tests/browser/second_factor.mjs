// A second factor: turned on, asked for, and replaced by a recovery code on the day that the device is lost.

import assert from 'node:assert/strict';

import {beginSecondFactor, fillSignIn, setUp, signOut, turnOnSecondFactor} from './acts.mjs';
import {button, drive, field, link, panel, reads, step} from './console.mjs';
import {codeOf} from './totp.mjs';

const STEP_MS = 30_000;

drive(async (console) => {
  const page = await console.window();
  await setUp(page);

  step('turn it on');
  await page.goto('/account');
  await link(page, 'Add second factor').click();
  await field(panel(page), 'Password').fill('not this one, surely');
  await button(panel(page), 'Go on').click();
  await reads(panel(page), 'The second factor is not on yet.');
  const seed = await beginSecondFactor(page);
  await field(page, 'Code').fill('000000');
  await button(page, 'Turn on').click();
  await reads(page, 'The second factor is not on yet.');
  const used = codeOf(seed);
  await turnOnSecondFactor(page, used);
  const codes = await page.locator('#recovery-codes code').allTextContents();
  assert.ok(codes.length >= 8, `${codes.length} recovery codes`);
  await link(page, 'I have kept them').click();

  step('it is asked for');
  await signOut(page);
  await fillSignIn(page);
  await page.waitForURL('**/login/code*');
  await page.goto('/account');
  await page.waitForURL('**/login*');
  await fillSignIn(page);
  await page.waitForURL('**/login/code*');

  step('the code of a clock that is ten minutes slow');
  await enter(page, codeOf(seed, Date.now() - 20 * STEP_MS));
  await reads(page, /^This code is not valid/);

  step('the code that was used to turn it on');
  await enter(page, used);
  await reads(page, /^This code is not valid/);

  step('the next one, of a clock that is half a minute fast');
  await enter(page, codeOf(seed, Date.now() + STEP_MS));
  await page.waitForURL((url) => !url.pathname.startsWith('/login'));

  step('a recovery code, once');
  for (const works of [true, false]) {
    await (works ? signOut(page) : page.context().clearCookies());
    await page.goto('/login');
    await fillSignIn(page);
    await enter(page, codes[0]);
    if (works) await page.waitForURL((url) => !url.pathname.startsWith('/login'));
    else await reads(page, /^This code is not valid/);
  }
});

/** Sends a code and waits for the answer: the sentence of the one before may stand there still. */
async function enter(page, code) {
  await field(page, 'Code').fill(code);
  await Promise.all([page.waitForResponse((answer) => answer.request().method() === 'POST'), button(page, 'Sign in').click()]);
}
