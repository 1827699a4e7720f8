// Logins at `oidc-provider` by Chromium with windows, under Xvfb, and a scheme of the app's own: the app opens the system's
// browser, the browser starts a second instance of the app with the redirect, and that passes it on to the first.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';

import { person, Tab } from './chromium.mjs';
import { desktop, xdgOpen } from './screen.mjs';
import { App, authorizationServer, until } from './world.mjs';

const REDIRECT_URI = 'com.example.app:/oauth2redirect';

let server;

before(async (t) => {
  server = await authorizationServer(t);
});

async function begin(t) {
  const app = new App(t);
  const args = ['--issuer', server.issuer, '--redirect-uri', REDIRECT_URI, '--system-browser'];
  const { browser, env } = await desktop(t, {
    handlers: { 'com.example.app': [app.binary, app.folder, ...args] },
    allowed: { [server.issuer]: { 'com.example.app': true } },
  });
  app.start(args, env);
  const { url } = await app.next('opens');
  const tab = await Tab.opened(browser, server.issuer);
  return { app, env, browser, tab, url };
}

const named = (app, name) => app.events.filter(({ event }) => event === name);

test('a login with a scheme of its own', { timeout: 60_000 }, async (t) => {
  const { app, env, tab } = await begin(t);
  // Another program opens the app with a redirect that it has made up.
  await xdgOpen(`${REDIRECT_URI}?code=forged&state=forged`, env);
  assert.equal((await app.next('redirect')).verdict, 'state_mismatch');

  await person.signsIn(tab);
  await person.opensTheApp(tab);
  assert.equal((await app.next('redirect')).verdict, 'accepted');
  assert.equal((await app.next('tokens')).sub, 'ada');
  await until('both second instances have ended', () => named(app, 'passed_on').length === 2);
  assert.equal(named(app, 'opens').length, 1);
  await app.quit();
});

test('the user refuses, with a scheme of its own', { timeout: 60_000 }, async (t) => {
  const { app, tab } = await begin(t);
  await person.opensTheApp(tab, 'a[href$="/abort"]');
  assert.equal((await app.next('failed')).why, 'authorization_error');
});

test('the app is killed while the browser is open, and started by the redirect', { timeout: 60_000 }, async (t) => {
  const { app, tab } = await begin(t);
  await person.signsIn(tab);
  await app.kill();
  await person.opensTheApp(tab);
  await app.next('resumes');
  assert.equal((await app.next('redirect')).verdict, 'accepted');
  assert.equal((await app.next('tokens')).sub, 'ada');
  // The new instance has opened no browser.
  assert.equal(named(app, 'opens').length, 1);
  assert.equal(named(app, 'passed_on').length, 0);
});
