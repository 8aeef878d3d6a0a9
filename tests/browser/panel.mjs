// A panel that is left by mistake: by a click beside it, by Esc, by a reload in the middle.

import assert from 'node:assert/strict';

import {at, openSection, saveSection, setUp, tab} from './acts.mjs';
import {button, drive, field, heading, link, misses, panel, reads, sees, step} from './console.mjs';

drive(async (console) => {
  const page = await console.window();
  await setUp(page);
  await tab(page, 'Plans');
  const opener = link(page, 'Add plan').first();
  await opener.click();
  await sees(heading(panel(page), 'Edit backup plan'));

  step('with nothing typed, Esc closes it and the focus is back');
  await page.keyboard.press('Escape');
  await misses(panel(page));
  assert.equal(new URL(page.url()).pathname, at('/plans'));
  assert.ok(await opener.evaluate((one) => one === document.activeElement), 'the focus is not where it was');

  step('with something typed, a click beside it does nothing');
  await opener.click();
  await field(panel(page), 'Plan name').fill('half-a-plan');
  await page.mouse.click(20, 450);
  assert.equal(await field(panel(page), 'Plan name').inputValue(), 'half-a-plan');

  step('and Esc asks');
  await page.keyboard.press('Escape');
  await reads(panel(page), 'Leave without saving?');
  await button(panel(page), 'Keep editing').click();
  assert.equal(await field(panel(page), 'Plan name').inputValue(), 'half-a-plan');

  step('what went through a section outlives leaving');
  await openSection(page, 'Retention');
  await panel(page).getByRole('radio', {name: /^Keep snapshots by a rule/}).check();
  await field(panel(page), /^Daily/).fill('14');
  await saveSection(page);
  await page.goto(at('/tasks'));
  await tab(page, 'Plans');
  await reads(page, /^Changes of .* are not saved yet\.$/);
  await page.getByRole('link', {name: /^Go on/}).click();
  assert.equal(await field(panel(page), 'Plan name').inputValue(), 'half-a-plan');
  await reads(panel(page), '14');

  step('until it is thrown away');
  await button(panel(page), 'Discard changes').click();
  await misses(panel(page));
  assert.equal(await page.getByText('half-a-plan').count(), 0);

  step('a section with something typed asks too');
  await page.getByRole('link', {name: 'Edit plan nightly'}).click();
  await openSection(page, 'Schedule');
  await panel(page).getByRole('radio', {name: /^Nightly/}).check();
  await field(panel(page), /^Time zone/).fill('Europe/Berlin');
  await link(panel(page), 'Cancel').click();
  await reads(panel(page), 'Leave without saving?');
  await button(panel(page), 'Leave').click();
  await sees(heading(panel(page), 'Edit backup plan'));
});
