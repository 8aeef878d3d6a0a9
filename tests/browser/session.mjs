// A session that is over, in several ways, and the way back to where one was.

import assert from 'node:assert/strict';

import {at, fillSignIn, setUp, signIn, signOut, tab} from './acts.mjs';
import {button, drive, heading, link, misses, sees, step, world} from './console.mjs';

drive(async (console) => {
  const page = await console.window();
  await setUp(page);

  step('the browser has dropped its cookie');
  await page.context().clearCookies();
  await page.goto(at('/tasks?state=failed'));
  await page.waitForURL('**/login?next=*');
  await fillSignIn(page);
  await page.waitForURL(`**${at('/tasks?state=failed')}`);

  step('the session is ended from another window');
  const other = await console.window();
  await signIn(other);
  await other.goto('/account');
  await button(other, 'Sign out everywhere else').click();
  await misses(button(other, 'Sign out everywhere else'));
  await tab(page, 'Plans');
  await page.waitForURL('**/login?next=*');
  await fillSignIn(page);
  await page.waitForURL(`**${at('/plans')}`);

  step('the session ends while a panel is about to open');
  await page.goto('/account');
  await page.context().clearCookies();
  page.allowed = new Set([401]);
  await link(page, 'Change password').click();
  await page.waitForURL('**/login?next=*');
  page.allowed = undefined;
  await fillSignIn(page);
  await page.waitForURL((url) => url.pathname.startsWith('/account'));

  step('a cookie is worth nothing after signing out');
  const cookies = await page.context().cookies();
  await signOut(page);
  await page.context().addCookies(cookies);
  await page.goto(at('/plans'));
  await page.waitForURL('**/login?next=*');

  step('an address of elsewhere is not where one goes after signing in');
  await page.goto('/login?next=//example.com/');
  await fillSignIn(page);
  await page.waitForURL((url) => url.pathname !== '/login');
  assert.equal(new URL(page.url()).origin, new URL(world.base).origin);

  step('a change of the password ends every other session');
  await page.goto('/account');
  await link(page, 'Change password').click();
  await page.getByLabel('Present password', {exact: true}).fill('correct horse battery staple');
  await page.getByLabel('New password', {exact: true}).fill('another horse, another staple');
  await button(page, 'Change password').click();
  await misses(page.getByRole('dialog'));
  await sees(heading(page, 'Your account'));
  await tab(other, 'Tasks');
  await other.waitForURL('**/login?next=*');
});
