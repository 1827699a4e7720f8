// Every page of the library in Chromium, as it comes over the wire: see `app/pages.rs`.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { checkOurs, chromium, Tab } from './chromium.mjs';
import { App } from './world.mjs';

const CLOSE = /You can close this window\./;
const pages = {
  accepted: { heading: 'Return to the app' },
  refused: { heading: 'Not logged in', says: [/access_denied: The user pressed Cancel/, CLOSE] },
  'refused-in-one-word': { heading: 'Not logged in', says: [/x{250,}…/] },
  expired: { heading: 'Not logged in', status: 400, says: [/took too long/] },
  unusable: { heading: 'Not logged in', status: 400, says: [/cannot use the server's answer/] },
  'not-ours': { heading: 'This is not the answer that the app waits for', status: 400 },
  'not-awaited': { heading: 'The app does not wait for this', status: 400 },
  'not-answered': { heading: 'The app does not answer', status: 503 },
  'sign-out-accepted': { heading: 'Signed out' },
  'sign-out-refused': { heading: 'Signed out of the app' },
};

let browser;
let redirectUri;

before(async (t) => {
  browser = await chromium(t);
  const app = new App(t).start(['pages']);
  ({ redirect_uri: redirectUri } = await app.next('listens'));
});

const show = async (url) => {
  const tab = await Tab.in(browser);
  await tab.page.goto(url);
  return tab;
};

for (const [name, page] of Object.entries(pages)) {
  test(`page ${name}`, { timeout: 60_000 }, async () => {
    const tab = await show(`${redirectUri}?page=${name}`);
    await checkOurs(tab, `page-${name}`, { says: [CLOSE], ...page });
    await tab.page.close();
  });
}

test('another path', { timeout: 60_000 }, async () => {
  const tab = await show(new URL('/', redirectUri).href);
  await checkOurs(tab, 'page-other-path', { heading: 'There is no page here', status: 404 });
  await tab.page.close();
});

test('another host', { timeout: 60_000 }, async () => {
  const tab = await show(redirectUri.replace('127.0.0.1', 'localhost'));
  await checkOurs(tab, 'page-other-host', { heading: 'This address is not served here', status: 421 });
  await tab.page.close();
});

// A request that Chromium sends, but no redirect is.
test('another request', { timeout: 60_000 }, async () => {
  const tab = await show(`${redirectUri}?code=${'x'.repeat(100_000)}`);
  await checkOurs(tab, 'page-other-request', { heading: 'This request cannot be answered', status: 414 });
  await tab.page.close();
});

// The policy lets an app's page have styles and pictures of its own.
test("a page of the app's", { timeout: 60_000 }, async () => {
  const tab = await show(`${redirectUri}?page=app`);
  assert.equal(await tab.page.$eval('h1', (heading) => getComputedStyle(heading).color), 'rgb(1, 2, 3)');
  assert.equal(await tab.page.$eval('img', (image) => image.naturalWidth), 1);
  assert.deepEqual(tab.complaints, []);
  await tab.page.close();
});
