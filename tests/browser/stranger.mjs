// Somebody of another tenant asks for everything that there is.

import assert from 'node:assert/strict';

import {join, setUp} from './acts.mjs';
import {allow, button, drive, field, link, panel, reads, step, tenant, world} from './console.mjs';
import {crawl} from './crawl.mjs';

const other = 'second';
const guest = {email: 'joan@example.org', name: 'Joan Clarke', password: 'a password of some length'};

drive(async (console) => {
  const page = await console.window();
  await setUp(page);

  step('the service operator adds a tenant');
  await page.goto('/tenants');
  await link(page, 'Add a tenant').first().click();
  await field(panel(page), 'Name').fill(other);
  await field(panel(page), 'E-mail of the first owner').fill(guest.email);
  await button(panel(page), 'Add tenant').click();
  const address = await field(panel(page), 'Link').inputValue();
  const stranger = await console.window();
  await join(stranger, address, guest, other);

  step('nothing of the first tenant exists for the second one');
  const {reached} = await crawl(page);
  const inside = reached.filter((one) => one.startsWith(`/t/${tenant}`));
  assert.ok(inside.length > 20, `only ${inside.length} addresses of ${tenant} are known`);
  const {request} = stranger.context();
  const seen = [];
  for (const one of inside) {
    const answer = await request.get(`${world.base}${one}`, {maxRedirects: 0});
    const body = await answer.text();
    if (answer.status() !== 404 || body.includes('nightly') || body.includes('acme')) {
      seen.push(`${one} is answered with ${answer.status()}`);
    }
  }
  assert.deepEqual(seen, []);

  step('an address is answered as if it had never been');
  const bodies = [];
  for (const one of [`/t/${tenant}/plans`, '/t/nobody/plans']) {
    const answer = await request.get(`${world.base}${one}`);
    bodies.push((await answer.text()).replaceAll(one, ''));
  }
  assert.equal(bodies[0], bodies[1]);

  step('and the first tenant sees nothing of the second, though she runs the installation');
  allow(page, 404);
  await page.goto(`/t/${other}/github`);
  await reads(page, 'Page not found');
});
