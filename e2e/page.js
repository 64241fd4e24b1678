// page.js goes through the plain page as a person does, in Chromium, and prints a line for each fault.
// Its one argument is JSON: page, password, control, uris (of the HomeKit servers), shots (a folder), chromium.
'use strict';

const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');
const jsqr = require('jsqr');
const { PNG } = require('pngjs');

const given = JSON.parse(process.argv[2]);
const faults = [];
const expect = (well, what) => { if (!well) faults.push(what); };

// open shows the page in a window of its own, and minds what a browser complains about.
async function open(browser, name, options) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 360, height: 740 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on('console', (m) => {
    const refused = /status of (401|409)/.test(m.text()) && page.refusals > 0; // a refusal that the test asked for
    if (!refused && ['error', 'warning'].includes(m.type())) faults.push(`${name}: console: ${m.text()}`);
  });
  page.refusals = 0;
  page.on('pageerror', (e) => faults.push(`${name}: ${e.message}`));
  page.on('request', (r) => expect(new URL(r.url()).host === new URL(given.page).host, `${name}: a request to ${r.url()}`));
  await page.goto(given.page);
  return page;
}

async function logIn(page, password) {
  await page.getByRole('textbox', { name: /Password|Passwort/ }).first().fill(password);
  await page.keyboard.press('Enter');
}

async function fits(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wide <= 0, `${name}: ${wide} px too wide`);
}

const shot = (page, name) => page.screenshot({ path: path.join(given.shots, name + '.png'), fullPage: true });

// named looks at what a screen reader is told: every control has a name, and no two of a kind the same.
async function named(page, name) {
  const client = await page.context().newCDPSession(page);
  const { nodes } = await client.send('Accessibility.getFullAXTree');
  const controls = ['button', 'switch', 'slider', 'textbox', 'link', 'image', 'heading', 'checkbox', 'combobox', 'dialog', 'navigation'];
  const seen = new Map();
  for (const n of nodes) {
    const role = n.role?.value;
    if (n.ignored || !controls.includes(role)) continue;
    const called = n.name?.value?.trim();
    expect(called, `${name}: a ${role} without a name`);
    if (['button', 'switch', 'slider'].includes(role)) {
      expect(!seen.has(role + called), `${name}: two of ${role} ${called}`);
      seen.set(role + called, true);
    }
  }
  for (const role of ['banner', 'main', 'contentinfo', 'navigation']) {
    expect(nodes.some((n) => !n.ignored && n.role?.value === role), `${name}: no landmark ${role}`);
  }
  return seen;
}

async function until(what, well) {
  for (const end = Date.now() + 20000; Date.now() < end;) {
    if (await well()) return;
    await new Promise((go) => setTimeout(go, 50));
  }
  faults.push('not within 20 s: ' + what);
}
const rocket = async () => (await (await fetch(given.control + '/sim/rocket')).json()).level;

// story is what a member of the household does on a phone.
async function story(browser) {
  const page = await open(browser, 'phone', { colorScheme: 'light' });
  await fits(page, 'log-in');
  await named(page, 'log-in');
  await shot(page, 'login-phone-light');
  page.refusals = 1;
  await logIn(page, 'not the password at all');
  await until('a wrong password is told', async () => (await page.locator('#login-error').textContent()).length > 5);
  await new Promise((go) => setTimeout(go, 1100)); // the wait after one wrong try
  await logIn(page, given.password);
  await page.locator('.thing').nth(3).waitFor();
  page.refusals = 0;
  expect(await page.evaluate(() => document.activeElement.id) === 'state-title', 'the focus is not where the home begins');
  await until('Apple Home is shown', async () => (await page.locator('#homekit svg').count()) === given.uris.length);
  await until('the labels are shown', async () => (await page.locator('#labels .label').count()) >= 5);
  const hub = await page.locator('#labels .label').first().textContent();
  expect(/Ingle/.test(hub) && /ok/.test(hub) && /unknown/.test(hub), `the hub's label says ${hub}`);
  await until('what is kept is counted', async () => /names: \d+ entries/.test(await page.locator('#kept').textContent()));
  await fits(page, 'home');
  const controls = await named(page, 'home');
  for (const c of ['switchStop everything', 'switchPrivacy', 'switchPorch: Camera on', 'sliderSpeed of Rocket', 'buttonPorch: Remove']) expect(controls.has(c), `there is no ${c}`);
  await shot(page, 'home-phone-light');
  await page.screenshot({ path: path.join(given.shots, 'page-phone.png') }); // the one in docs/images

  await squares(page);
  await drive(page);
  await help(page);
  await remove(page);

  await page.getByRole('button', { name: 'Log out' }).click();
  await page.locator('#door').waitFor();
  expect(await page.locator('#house').isHidden() && await page.locator('.thing').count() === 0, 'the home is still there after leaving');
  await page.context().close();
}

// squares reads the QR codes as a phone's camera does.
async function squares(page) {
  const read = [];
  for (const svg of await page.locator('#homekit svg').all()) {
    const { width, height, data } = PNG.sync.read(await svg.screenshot());
    read.push(jsqr(new Uint8ClampedArray(data), width, height)?.data);
  }
  expect(JSON.stringify(read.sort()) === JSON.stringify([...given.uris].sort()), `the QR codes say ${read}`);
}

async function drive(page) {
  const camera = page.getByRole('switch', { name: 'Porch: Camera on' });
  const before = await camera.getAttribute('aria-checked');
  await camera.focus();
  await page.keyboard.press('Space');
  await until('the camera is switched', async () => (await camera.getAttribute('aria-checked')) !== before);
  expect(await camera.evaluate((e) => e === document.activeElement), 'the focus went away from the switch');
  await camera.click();
  await until('the camera is switched back', async () => (await camera.getAttribute('aria-checked')) === before);

  const slider = page.getByRole('slider', { name: 'Speed of Rocket' });
  await slider.fill('50');
  await until('the toy runs', async () => await rocket() === 0.5);
  await until('its speed is told', async () => /50/.test(await slider.getAttribute('aria-valuetext')));
  const stop = page.getByRole('switch', { name: 'Stop everything' });
  await stop.click();
  await until('everything stands', async () => await rocket() === 0 && await stop.getAttribute('aria-checked') === 'true');
  await shot(page, 'stopped-phone-light');
  await stop.click();
  await until('things may run again', async () => await stop.getAttribute('aria-checked') === 'false');
  const privacy = page.getByRole('switch', { name: 'Privacy' });
  await privacy.click();
  await until('the cameras are off', async () => await privacy.getAttribute('aria-checked') === 'true');
  await privacy.click();
  await until('the cameras are on', async () => await privacy.getAttribute('aria-checked') === 'false');
}

// help is a child who calls for it, and a camera that is lost.
async function help(page) {
  await fetch(given.control + '/sim/watch/sos', { method: 'POST' });
  const seen = page.getByRole('button', { name: 'Mia SOS: I have seen it' });
  await seen.waitFor();
  expect(await page.getByText('Somebody calls for help').count() > 0, 'the call for help is not told in words');
  await until('it stands before all else', async () => /Somebody calls for help/.test(await page.locator('#troubles li').first().textContent()));
  expect(/Somebody calls for help: Mia SOS/.test(await page.locator('#alarm').textContent()), 'a screen reader is not told of the call');
  await shot(page, 'help-phone-light');
  await seen.click();
  await until('the call is answered', async () => await seen.isHidden());
  await until('all is well again', async () => await page.locator('#troubles li').count() === 0);
}

// keys goes through the page without a mouse: past the header, and into the home in the order that one reads it.
async function keys(browser) {
  const page = await open(browser, 'keys', {});
  const at = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  await page.keyboard.press('Tab');
  expect(await at() === 'Skip to the content', `Tab begins at ${await at()}`);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await at() === 'password', `after the skip comes ${await at()}`);
  await page.keyboard.type(given.password);
  await page.keyboard.press('Enter');
  await page.locator('.thing').nth(2).waitFor();
  const order = [];
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press('Tab');
    order.push(await page.evaluate(() => document.activeElement.ariaLabel || document.activeElement.firstChild?.textContent));
  }
  expect(order.join() === 'Stop everything,Privacy,Porch: Camera on,Porch: Remove', `the order is ${order}`);
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
  expect(parseFloat(ring) >= 2, `the focus is shown by ${ring}`);
  await page.context().close();
}

// remove takes the password again.
async function remove(page) {
  await page.getByRole('button', { name: 'Garden: Remove' }).click();
  const dialog = page.getByRole('dialog', { name: 'Remove Garden?' });
  await dialog.waitFor();
  await shot(page, 'remove-phone-light');
  await page.keyboard.press('Escape');
  expect(await page.getByRole('heading', { name: 'Garden', level: 4 }).count() === 1, 'Escape removed something');
  await page.getByRole('button', { name: 'Garden: Remove' }).click();
  await dialog.getByRole('textbox').fill(given.password);
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await until('Garden is gone', async () => await page.getByRole('heading', { name: 'Garden', level: 4 }).count() === 0);
}

// looks shows the page as others see it.
async function looks(browser) {
  for (const [name, options, password] of [
    ['home-desk-dark', { colorScheme: 'dark', viewport: { width: 1100, height: 800 } }, true],
    ['home-phone-dark-de', { colorScheme: 'dark', lang: 'de' }, true],
    ['home-large-text', { viewport: { width: 320, height: 600 } }, true],
    ['door-desk-light', { viewport: { width: 1100, height: 800 } }, false],
  ]) {
    const page = await open(browser, name, options);
    if (options.lang) await page.goto(new URL('?lang=' + options.lang, given.page).href);
    if (password) {
      await logIn(page, given.password);
      await page.locator('.thing').nth(2).waitFor();
      await until('Apple Home is shown', async () => (await page.locator('#homekit svg').count()) > 0);
    }
    if (options.lang) expect(await page.getAttribute('html', 'lang') === options.lang, 'the page is not German');
    await fits(page, name);
    await shot(page, name);
    await page.context().close();
  }
}

// without is what everybody sees whose browser runs no script.
async function without(browser) {
  const page = await open(browser, 'no script', { javaScriptEnabled: false });
  const text = await page.locator('body').innerText();
  for (const said of ['belongs to somebody', 'hub remove', 'needs JavaScript']) expect(text.includes(said), `without a script it does not say: ${said}`);
  expect(await page.locator('input:visible, button:visible').count() === 0, 'without a script there is a field that does nothing');
  await fits(page, 'no script');
  await shot(page, 'noscript-phone-light');
  await page.context().close();
}

(async () => {
  const args = ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']; // what the browser would ask for itself
  if (process.getuid() === 0) args.push('--no-sandbox');
  const browser = await chromium.launch({ executablePath: given.chromium, args });
  try {
    for (const part of [story, keys, looks, without]) await part(browser);
  } catch (e) {
    faults.push(String(e.stack ?? e));
  }
  await browser.close();
  for (const f of faults) console.log(f.replaceAll('\n', ' '));
})();
