// Logins at `oidc-provider` by Chromium, with the redirect to a port of this machine.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { before, test } from 'node:test';

import { checkOurs, chromium, person, Tab } from './chromium.mjs';
import { desktop } from './screen.mjs';
import { App, atEnd, authorizationServer, folder, until } from './world.mjs';

const SUCCESS = { heading: 'Return to the app', says: [/You can close this window/] };
const LATE = { heading: 'The app does not wait for this', status: 400, says: [/You can close this window/] };

let server;
let browser;

// Things that all tests of this file share are ended after the last of them.
before(async (t) => {
  server = await authorizationServer(t);
  browser = await chromium(t);
});

async function begin(t, ...options) {
  const app = new App(t).start(['--issuer', server.issuer, ...options]);
  const { redirect_uri: redirectUri } = await app.next('listens');
  const context = await browser.createBrowserContext();
  atEnd(t, () => context.close());
  const tab = await Tab.in(context);
  return { app, redirectUri, tab, context };
}

async function opens({ app, tab }) {
  const { url } = await app.next('opens');
  await tab.page.goto(url);
  return url;
}

async function logsIn(at) {
  await opens(at);
  await person.signsIn(at.tab);
  await person.consents(at.tab);
  await at.tab.at(at.redirectUri);
}

for (const [name, ...options] of [
  ['v4'],
  ['v6', '--redirect-uri', 'http://[::1]/callback'],
  ['form-post', '--form-post'],
]) {
  test(`a login: ${name}`, { timeout: 60_000 }, async (t) => {
    const at = await begin(t, ...options);
    await logsIn(at);
    await checkOurs(at.tab, `success-${name}`, SUCCESS);
    assert.deepEqual(await at.app.next('tokens'), {
      event: 'tokens', sub: 'ada', scope: 'openid profile offline_access', refresh_token: true,
    });
    assert.equal(new URL(at.tab.page.url()).searchParams.has('code'), name !== 'form-post');
    await at.app.quit();
  });
}

test('the user refuses', { timeout: 60_000 }, async (t) => {
  const at = await begin(t);
  await opens(at);
  await person.cancels(at.tab);
  await at.tab.at(at.redirectUri);
  await checkOurs(at.tab, 'denied', {
    heading: 'Not logged in',
    says: [/cancelled or refused/, /The server says: access_denied: End-User aborted interaction/, /start it again in the app/],
  });
  assert.equal((await at.app.next('failed')).why, 'authorization_error');
});

test('the user refuses, and the server posts it as a form', { timeout: 60_000 }, async (t) => {
  const at = await begin(t, '--form-post');
  await opens(at);
  await person.signsIn(at.tab);
  await person.cancels(at.tab);
  await at.tab.at(at.redirectUri);
  await checkOurs(at.tab, 'denied-form-post', { heading: 'Not logged in', says: [/access_denied/] });
  assert.equal((await at.app.next('failed')).why, 'authorization_error');
});

// The page keeps its address, so the browser may send the redirect once more at any time.
test('the last page again, and a second login', { timeout: 60_000 }, async (t) => {
  const at = await begin(t);
  await logsIn(at);
  await at.app.next('tokens');
  const { page } = at.tab;
  const redirect = page.url();

  await page.reload();
  await checkOurs(at.tab, 'late', LATE);
  await page.goBack();
  await page.goForward();
  await checkOurs(at.tab, 'late-after-going-back', LATE);
  const other = await Tab.in(at.context);
  await other.page.goto(redirect);
  await checkOurs(other, 'late-in-another-tab', LATE);

  // While a second login waits, the first one's redirect is not its own.
  at.app.say('again');
  const { url } = await at.app.next('opens');
  await page.reload();
  await checkOurs(at.tab, 'not-ours', {
    heading: 'This is not the answer that the app waits for',
    status: 400,
    says: [/The app still waits/],
  });
  assert.equal((await at.app.next('redirect')).verdict, 'state_mismatch');
  await other.page.goto(url);
  await person.consents(other);
  await other.at(at.redirectUri);
  await checkOurs(other, 'success-second', SUCCESS);
  assert.equal((await at.app.next('tokens')).sub, 'ada');

  // The app ends; its address leads nowhere, and the browser says so.
  await at.app.quit();
  await other.page.reload();
  assert.match(await other.text, /ERR_CONNECTION_REFUSED/);
});

test('one login in two tabs', { timeout: 60_000 }, async (t) => {
  const at = await begin(t);
  const url = await opens(at);
  const other = await Tab.in(at.context);
  await other.page.goto(url);
  await person.signsIn(other);
  await person.consents(other);
  await other.at(at.redirectUri);
  await checkOurs(other, 'success-other-tab', SUCCESS);
  assert.equal((await at.app.next('tokens')).sub, 'ada');
  // The first tab still shows the login page.
  await at.tab.page.goto(url);
  await person.consents(at.tab);
  await at.tab.at(at.redirectUri);
  await checkOurs(at.tab, 'late-first-tab', LATE);
  assert.deepEqual(at.app.events.filter(({ event }) => event === 'tokens').length, 1);
});

test('the browser is closed, and the user cancels in the app', { timeout: 60_000 }, async (t) => {
  const own = await chromium(t);
  const at = await begin(t);
  const { url } = await at.app.next('opens');
  await (await own.newPage()).goto(url);
  own.process().kill('SIGKILL');
  at.app.say('cancel');
  assert.equal((await at.app.next('failed')).why, 'cancelled');
  // The next login is not disturbed.
  at.app.say('again');
  await logsIn(at);
  assert.equal((await at.app.next('tokens')).sub, 'ada');
});

test('the browser is closed, and the login waits to its deadline', { timeout: 60_000 }, async (t) => {
  const at = await begin(t, '--timeout', '2');
  const url = await opens(at);
  await at.tab.page.close();
  assert.equal((await at.app.next('failed')).why, 'expired');
  // The user comes back later all the same.
  at.tab = await Tab.in(at.context);
  await at.tab.page.goto(url);
  await person.signsIn(at.tab);
  await person.consents(at.tab);
  await at.tab.at(at.redirectUri);
  await checkOurs(at.tab, 'late-after-deadline', LATE);
});

test('the app is killed while the browser is open, and started again', { timeout: 60_000 }, async (t) => {
  const at = await begin(t);
  const url = await opens(at);
  await person.signsIn(at.tab);
  await at.app.kill();
  await Promise.allSettled([person.consents(at.tab)]);
  await at.tab.page.waitForFunction(() => document.title === '127.0.0.1' || document.body?.id === 't');

  at.app.start(['--issuer', server.issuer, '--redirect-uri', at.redirectUri]);
  await at.app.next('resumes');
  // The login that was opened before, and no other.
  assert.equal((await until('the login is opened again', () => at.app.events.filter((it) => it.event === 'opens')[1])).url, url);
  await at.tab.page.reload();
  await at.tab.at(at.redirectUri);
  await checkOurs(at.tab, 'success-after-restart', SUCCESS);
  assert.equal((await at.app.next('tokens')).sub, 'ada');
});

// What other pages of the browser may do to the app's address while it waits.
test('other web pages do not disturb the login', { timeout: 60_000 }, async (t) => {
  const at = await begin(t);
  const { origin } = new URL(at.redirectUri);
  const page = `<!doctype html><title>other</title>
    <link rel=preconnect href="${origin}"><link rel=dns-prefetch href="${origin}">
    <link rel=prefetch href="${origin}/callback?code=x&state=y"><link rel=icon href="${origin}/favicon.ico">
    <link rel=stylesheet href="${origin}/callback"><script src="${origin}/callback?error=access_denied"></script>
    <img src="${origin}/callback"><iframe src="${origin}/callback?code=x&state=y"></iframe>
    <form method=post action="${origin}/callback" target=frame><input name=code value=x></form><iframe name=frame></iframe>
    <script>document.forms[0].submit();
    for (const method of ['GET', 'HEAD', 'POST', 'PUT']) fetch('${origin}/callback', { method, mode: 'no-cors' }).catch(() => 0);
    fetch('${origin}/callback').then(() => { document.title = 'it was read'; }, () => { document.title = 'not read'; });
    navigator.sendBeacon('${origin}/callback', 'code=x');</script>`;
  const other = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(request.url === '/' ? page : '');
  });
  await new Promise((done) => { other.listen(0, '127.0.0.1', done); });
  atEnd(t, () => { other.closeAllConnections(); other.close(); });

  const url = await opens(at);
  const stranger = await Tab.in(at.context);
  await stranger.page.goto(`http://127.0.0.1:${other.address().port}/`, { waitUntil: 'domcontentloaded' });
  await stranger.page.waitForFunction(() => document.title === 'not read');
  await until('forged redirects', () => at.app.events.some(({ verdict }) => verdict === 'state_mismatch'));
  // No frame shows a page of ours (`frame-ancestors`).
  const frames = await Promise.all(stranger.page.frames().slice(1).map((frame) => frame.content()));
  assert.equal(frames.length, 2);
  assert.ok(frames.every((html) => !html.includes('You can close this window')));

  await at.tab.page.goto(url);
  await person.signsIn(at.tab);
  await person.consents(at.tab);
  await at.tab.at(at.redirectUri);
  await checkOurs(at.tab, 'success-disturbed', SUCCESS);
  assert.equal((await at.app.next('tokens')).sub, 'ada');
});

// As on the internet: the server has a public address, and its pages may not ask for everything on this machine.
test('a server with a public address, and what Chromium sends to the app', { timeout: 60_000 }, async (t) => {
  const log = join(folder(t), 'log.json');
  const { browser: own } = await desktop(t, {
    args: [`--ip-address-space-overrides=${new URL(server.issuer).host}=public`, `--log-net-log=${log}`],
  });
  const sent = [];
  for (const options of [[], ['--form-post']]) {
    const at = await begin(t, ...options);
    at.tab = await Tab.in(await own.createBrowserContext());
    // Chromium does take the address for a public one: it asks the user before a page there may read from this machine.
    await at.tab.page.goto(server.issuer);
    assert.equal(await at.tab.page.evaluate(fetched, at.redirectUri), 'waits for the user');
    await logsIn(at);
    await checkOurs(at.tab, `success-public${options.join('')}`, SUCCESS);
    assert.equal((await at.app.next('tokens')).sub, 'ada');
    assert.deepEqual(at.app.events.filter(({ event }) => event === 'redirect').map(({ verdict }) => verdict), ['accepted']);
    sent.push([new URL(at.redirectUri).origin, options.length ? 'POST' : 'GET']);
  }
  await own.close();
  // Of all requests on any connection, the app got the redirect, and its page asked for nothing, not even for an icon.
  const requests = requestsIn(log).filter(({ request_type: type }) => type !== 'other');
  for (const [origin, method] of sent) {
    const ours = requests.filter((request) => request.initiator === origin || request.url.startsWith(origin));
    assert.deepEqual(ours.map((request) => [request.method, request.url.split('?')[0]]), [[method, `${origin}/callback`]]);
  }
});

// In the page.
function fetched(url) {
  const answer = fetch(url, { mode: 'no-cors' }).then(() => 'reads', () => 'may not');
  return Promise.race([answer, new Promise((done) => { setTimeout(done, 1000, 'waits for the user'); })]);
}

// The requests in Chromium's own log of its network, with those that no page and no tab shows.
function requestsIn(log) {
  const { constants, events } = JSON.parse(readFileSync(log, 'utf8'));
  const { URL_REQUEST_START_JOB: type } = constants.logEventTypes;
  return events.filter((event) => event.type === type && event.params?.url).map(({ params }) => params);
}
