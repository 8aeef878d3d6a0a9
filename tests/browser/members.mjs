// A link makes a member, a role decides what the member may do, and a removal ends it at once.

import assert from 'node:assert/strict';

import {at, invite, join, setUp, tab} from './acts.mjs';
import {allow, button, drive, link, owner, panel, reads, sees, step, tenant} from './console.mjs';

const guest = {email: 'grace@example.com', name: 'Grace Hopper', password: 'a password of some length'};

drive(async (console) => {
  const page = await console.window();
  await setUp(page);
  const address = await invite(page, guest.email, 'Auditor');
  const other = await console.window();
  await join(other, address, guest);

  step('the link works once');
  const late = await console.window();
  await late.goto(address);
  await reads(late, 'This invitation is not valid any more');

  step('an auditor reads and changes nothing');
  await tab(other, 'Plans');
  await reads(other, 'nightly');
  assert.equal(await other.getByRole('button', {name: /^Run now/}).count(), 0);
  assert.equal(await link(other, 'Add plan').count(), 0);
  allow(other, 403, 404);
  await other.goto(at('/plans/new'));
  await reads(other, 'You cannot see this page');
  await reads(other, `Your role in ${tenant} is Auditor`);

  step('an operator runs plans');
  await page.goto(at('/members'));
  await page.getByLabel(`Actions for ${guest.name}`).click();
  await link(page, 'Change role').first().click();
  await panel(page).getByRole('radio', {name: /^Operator/}).check();
  await button(panel(page), 'Save').click();
  await reads(page, 'is an operator now.');
  await tab(other, 'Plans');
  await sees(other.getByRole('button', {name: /^Run now/}));
  assert.equal(await link(other, 'Add plan').count(), 0);

  step('the last owner stays');
  await page.goto(at('/members'));
  await page.getByLabel(`Actions for ${owner.name}`).click();
  await page.getByRole('row', {name: owner.name}).getByRole('link', {name: 'Remove'}).click();
  await button(panel(page), `Remove ${owner.name}`).click();
  await reads(panel(page), 'Nobody was removed.');

  step('who is removed is a stranger at the next click');
  await page.goto(at('/members'));
  await page.getByLabel(`Actions for ${guest.name}`).click();
  await page.getByRole('row', {name: guest.name}).getByRole('link', {name: 'Remove'}).click();
  await button(panel(page), `Remove ${guest.name}`).click();
  await reads(page, 'is not a member any more.');
  await tab(other, 'Tasks');
  await reads(other, 'Page not found');
});
