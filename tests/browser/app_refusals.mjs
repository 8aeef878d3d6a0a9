// Both conditions of the manual with their sentences, and what an attacker would try: nothing of it leaves a credential.

import {invite, join, organization, setUp} from './acts.mjs';
import {chooseApp, install, makeApplication, onForge, registerByApp} from './apps.mjs';
import {allow, button, drive, link, mutate, panel, reads, sees, step, until, world} from './console.mjs';

/** Installs, and answers the address that the forge sends the person back to, which is not followed. */
async function caught(page, account) {
  step(`Install on ${account}, and stop on the way back`);
  await sees(page.getByText('Where do you want to install it?'));
  await link(page, account).click();
  const form = page.locator('form');
  const fields = await form.evaluate((one) => Object.fromEntries(new FormData(one)));
  const action = new URL(await form.getAttribute('action'), world.forge).href;
  const answer = await page.context().request.post(action, {form: fields, maxRedirects: 0});
  return answer.headers().location;
}

async function credentials(page) {
  await page.goto(`/t/first/github`);
  await link(page, `Edit ${organization}`).click();
  await link(panel(page), 'Manage credentials').click();
  await sees(panel(page).getByRole('heading', {name: 'Manage credentials'}));
}

async function hasNone(page) {
  await credentials(page);
  await reads(panel(page), 'No additional credentials yet');
}

drive(async (console) => {
  const page = await console.window();
  await setUp(page);
  await onForge(page, 'backup-main');
  await makeApplication(page, 'Main GitHub App', 'Backup');
  await makeApplication(page, 'GitHub App #3', 'Backup three');
  await makeApplication(page, 'GitHub App #10', 'Backup ten');
  await page.goto('/');
  await registerByApp(page);

  step('the second condition: another personal account');
  await chooseApp(page, 3);
  await install(page, 'backup-main');
  await reads(panel(page), 'Register backup-main with this organization first, then add an application to it.');
  await hasNone(page);

  step('a forged installation id');
  await chooseApp(page, 3);
  const honest = await caught(page, organization);
  const number = new URL(honest).searchParams.get('installation_id');
  const forged = new URL(honest);
  forged.searchParams.set('installation_id', String(Number(number) + 1));
  await page.goto(forged.href);
  await reads(panel(page), 'does not list this installation for backup-main');
  await hasNone(page);

  step('a state that has counted');
  allow(page, 400);
  await page.goto(honest);
  await reads(page, 'this way back counts once');
  await hasNone(page);

  step('a state in the session of another tenant');
  const theirs = await console.window();
  allow(theirs, 400);
  const address = await invite(page, 'eve@example.com', 'Admin');
  await join(theirs, address, {email: 'eve@example.com', name: 'Eve', password: 'another long enough password'});
  await chooseApp(page, 3);
  const mine = await caught(page, organization);
  await theirs.goto(mine);
  await reads(theirs, 'this way back counts once');
  await hasNone(page);

  step('no state at all');
  const bare = new URL(mine);
  bare.searchParams.delete('state');
  await page.goto(bare.href);
  await reads(page, 'nobody here began this');
  await hasNone(page);

  step('the first condition: somebody who has to ask an owner');
  await onForge(page, 'backup-one');
  await chooseApp(page, 10);
  await install(page, organization, 'Request');
  await reads(
    panel(page),
    `You do not have the permissions required to complete this installation. An owner of ${organization} must install the application.`,
  );
  await credentials(page);
  await reads(panel(page), 'waits for an owner of acme to install it');

  step('an owner agrees later: it is offered, and nothing is added by itself');
  await mutate({kind: 'install', app: 'backup-ten', account: organization, sender: 'backup-main'});
  await until('the approval is offered', async () => {
    await credentials(page);
    return (await panel(page).getByText('is installed on acme').count()) > 0;
  });
  await reads(panel(page), 'No additional credentials yet');
  await button(panel(page), 'Add GitHub App #10').click();
  await reads(panel(page), 'GitHub App #10 on acme is added.');

  step('whoever asked may begin again with the way that counts');
  await page.goto(mine);
  await reads(panel(page), 'GitHub App #3 on acme is added.');
});
