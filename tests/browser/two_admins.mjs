// Two admins edit one plan: the second is told, compares, and loses nothing.

import assert from 'node:assert/strict';

import {at, invite, join, setUp} from './acts.mjs';
import {button, drive, field, link, misses, owner, panel, reads, sees, step} from './console.mjs';

const guest = {email: 'grace@example.com', name: 'Grace Hopper', password: 'a password of some length'};

drive(async (console) => {
  const ada = await console.window();
  await setUp(ada);
  const address = await invite(ada, guest.email, 'Admin');
  const grace = await console.window();
  await join(grace, address, guest);

  step('both open the plan');
  for (const page of [ada, grace]) {
    await page.goto(at('/plans'));
    await page.getByRole('link', {name: 'Edit plan nightly'}).click();
    await sees(field(panel(page), 'Plan name'));
  }
  await field(panel(ada), 'Plan name').fill('nightly-of-ada');
  await button(panel(ada), 'Save').last().click();
  await misses(panel(ada));

  step('the second one is told, and keeps what she typed');
  await field(panel(grace), 'Plan name').fill('nightly-of-grace');
  await button(panel(grace), 'Save').last().click();
  await reads(panel(grace), `${owner.name} changed this plan just now.`);
  assert.equal(await field(panel(grace), 'Plan name').inputValue(), 'nightly-of-grace');
  await grace.goto(at('/plans'));
  await sees(grace.getByRole('row', {name: /nightly-of-ada/}));

  step('she compares, and decides');
  await grace.getByRole('link', {name: /^Go on/}).click();
  await link(panel(grace), 'Compare').click();
  const row = panel(grace).getByRole('row', {name: /nightly-of-grace/});
  await reads(row, 'nightly-of-ada');
  await button(panel(grace), 'Save mine').click();
  await misses(panel(grace));
  await sees(grace.getByRole('row', {name: /nightly-of-grace/}));

  step('the other way round she takes theirs');
  for (const page of [ada, grace]) {
    await page.goto(at('/plans'));
    await page.getByRole('link', {name: /^Edit plan nightly/}).click();
    await sees(field(panel(page), 'Plan name'));
  }
  await field(panel(grace), 'Plan name').fill('nightly-again');
  await button(panel(grace), 'Save').last().click();
  await misses(panel(grace));
  await field(panel(ada), 'Plan name').fill('nightly-of-ada');
  await button(panel(ada), 'Save').last().click();
  await reads(panel(ada), `${guest.name} changed this plan just now.`);
  await button(panel(ada), 'Take theirs').click();
  await ada.waitForFunction(() => document.querySelector('dialog input[name=name]')?.value === 'nightly-again');
});
