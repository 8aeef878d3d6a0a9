// A picture of every page, light, dark and on a phone.

import path from 'node:path';

import {checkAgain, setUp} from './acts.mjs';
import {LOOKS, drive, settled, step, world} from './console.mjs';
import {crawl} from './crawl.mjs';

drive(async (console) => {
  const first = await console.window();
  await first.goto('/');
  const pictures = [['set-up', '/setup']];
  for (const look of Object.keys(LOOKS)) await take(console, look, undefined, pictures);
  await setUp(first, world.tenant);
  for (const look of Object.keys(LOOKS)) await take(console, look, undefined, [['sign-in', '/login']]);
  const signedIn = await first.context().storageState();
  const {pages} = await crawl(first, [await checkAgain(first)]);
  for (const look of Object.keys(LOOKS)) {
    await take(console, look, signedIn, pages.map(([kind, address]) => [nameOf(kind), address]));
  }
});

async function take(console, look, storageState, pages) {
  const page = await console.window({...LOOKS[look], storageState});
  for (const [name, address] of pages) {
    step(`${look} ${address}`);
    await page.goto(address);
    await settled(page);
    await page.screenshot({path: path.join(world.pictures, `${name}-${look}.png`)});
  }
  await page.context().close();
}

/** `/t/northwind/tasks/{id}` is in `tasks-one`, `/audit` in `installation-audit`. */
function nameOf(kind) {
  const parts = kind.split('/').filter((part) => part !== '' && part !== 't' && part !== world.tenant);
  if (/^\/(audit|tenants)/.test(kind)) parts.unshift('installation');
  return parts.map((part) => (part === '{id}' ? 'one' : part)).join('-') || 'start';
}
