// The first visit, and what it leaves behind: one way in, for whoever knows the code, once.

import assert from 'node:assert/strict';

import {setUp, signIn} from './acts.mjs';
import {allow, button, drive, field, owner, reads, step, tenant, world} from './console.mjs';

drive(async (console) => {
  const page = await console.window();
  step('every way leads to the set-up page');
  await page.goto('/');
  await page.waitForURL('**/setup');

  step('a wrong code, and nothing else');
  await field(page, 'Set-up code').fill('aaaa-bbbb-cccc-dddd');
  await button(page, 'Set up').click();
  await reads(page, 'Nothing was set up yet.');
  await reads(page, /^This is not the code\./);
  assert.equal(await page.locator('[aria-invalid=true]').count(), 5, 'each field says what is wrong with it');

  step('what was typed is kept, but for the password');
  await field(page, 'Your name').fill(owner.name);
  await field(page, 'Password').fill('short');
  await button(page, 'Set up').click();
  await reads(page, 'Nothing was set up yet.');
  assert.equal(await field(page, 'Your name').inputValue(), owner.name);
  assert.equal(await field(page, 'Password').inputValue(), '');

  await setUp(page);
  step('there is no second time');
  const late = await console.window();
  allow(late, 404);
  assert.equal((await late.goto('/setup')).status(), 404);
  const code = new URLSearchParams({setup_code: world.code, tenant: 'mine'}).toString();
  const again = await late.request.post('/setup', {
    data: code,
    headers: {'content-type': 'application/x-www-form-urlencoded', origin: world.base},
  });
  assert.equal(again.status(), 404);

  step('a wrong password, and an address that nobody has, are answered alike');
  for (const email of [owner.email, 'nobody@example.com']) {
    await signIn(late, {email, password: 'not this one, surely'});
    await reads(late, /^E-mail or password is wrong\./);
  }
  await signIn(late);
  await late.waitForURL(`**/t/${tenant}/github`);
});
