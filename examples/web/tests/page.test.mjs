// The page in Chromium, at a certified server: what a person does, and what the browser keeps of it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import puppeteer from 'puppeteer-core';

import { LOGIN, path, REFRESH, world } from './world.mjs';

let browser;
before(async () => {
  browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--lang=en',
      // Nothing but this machine: the pages of the authorization server have a font from elsewhere.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      // Chromium's sandbox does not work for root.
      ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
    ],
  });
});
after(() => browser?.close());

// A person with a browser profile of their own, at the page.
async function visit(t, client) {
  const running = await world(t, client);
  const context = await browser.createBrowserContext();
  t.after(() => context.close());
  const tab = await context.newPage();
  tab.setDefaultTimeout(20_000);
  const complaints = [];
  tab.on('console', (message) => {
    const isOurs = message.location().url?.startsWith(running.page);
    if (isOurs && ['error', 'warn'].includes(message.type())) complaints.push(message.text());
  });
  tab.on('pageerror', (error) => complaints.push(String(error)));
  await tab.goto(running.page);
  await isLoaded(tab);
  await tab.click('#slowly');
  return { ...running, tab, complaints };
}

const isLoaded = (tab) => tab.waitForSelector('body[data-ready]');
const press = async (tab, id) => (await tab.waitForSelector(`#${id}:not([disabled])`, { visible: true })).click();
const text = (tab, selector) => tab.$eval(selector, (element) => element.innerText);
const shows = (tab, words) => tab.waitForFunction((part) => document.querySelector('main').innerText.includes(part), {}, words);
const present = (tab, machine) => tab.$eval(`#${machine}-graph .present`, (element) => element.dataset.phase);
const stepsOf = (tab) => tab.$$eval('#log tr', (rows) => rows.map(({ cells }) => {
  const [machine, from, event, action, to] = [...cells].map((cell) => cell.innerText);
  return { machine, from, event, action, to };
}));

// Presses the button of a page of the authorization server that means "yes".
const agree = (tab) => Promise.all([tab.waitForNavigation(), tab.click('button[type=submit]')]);

async function nameMyself(tab) {
  await tab.waitForSelector('input[name=login]');
  await tab.type('input[name=login]', 'ada');
  await tab.type('input[name=password]', 'any');
  await agree(tab);
}

async function logIn(tab) {
  await press(tab, 'log-in');
  await nameMyself(tab);
  await agree(tab);
  await shows(tab, 'You are logged in');
}

test('a login, its states, a call, a refresh, a sign-out', async (t) => {
  const { tab, complaints, page } = await visit(t);
  assert.equal(await text(tab, '#status'), 'Nobody is logged in.');
  await logIn(tab);
  assert.deepEqual(path(await stepsOf(tab)), LOGIN);
  assert.equal(await present(tab, 'login'), 'Finished');
  assert.equal(await text(tab, '#status'), 'You are logged in: ada Müller.');

  await press(tab, 'call');
  await shows(tab, 'The API answered: 200 {"sub":"ada"');
  await press(tab, 'clear');
  await sleep(3100);
  await press(tab, 'call');
  await shows(tab, 'Verified');
  await tab.waitForSelector('#call:not([disabled])');
  assert.deepEqual(path(await stepsOf(tab)), REFRESH);
  assert.equal(await present(tab, 'session'), 'Active');

  await press(tab, 'sign-out');
  await tab.waitForSelector('button[name=logout]');
  await agree(tab);
  await shows(tab, 'Signed out.');
  assert.equal(tab.url(), `${page}loggedout`);
  assert.deepEqual(complaints, []);
});

test('neither code nor token is left in the browser', async (t) => {
  const { tab, settings } = await visit(t);
  const secrets = [];
  tab.on('request', (request) => {
    const code = new URL(request.url()).searchParams.get('code');
    if (code && request.isNavigationRequest()) secrets.push(code);
    if (request.url() === `${settings.issuer}/token`) secrets.push(new URLSearchParams(request.postData()).get('code_verifier'));
  });
  // Puppeteer does not always have the body of an answer, so the pages keep a copy.
  await tab.evaluateOnNewDocument(() => {
    const real = fetch;
    window.fetch = async (request) => {
      const answer = await real(request);
      if (request.method === 'POST') window.tokens = answer.clone().json();
      return answer;
    };
  });
  await logIn(tab);
  const tokens = await tab.evaluate(() => window.tokens);
  secrets.push(tokens.access_token, tokens.refresh_token, tokens.id_token);
  assert.equal(new Set(secrets).size, 5, 'a code, a verifier, three tokens');
  assert(secrets.every((secret) => secret.length > 20));

  assert.equal(tab.url(), settings.redirect_uri);
  const kept = await tab.evaluate(() => ({ ...sessionStorage, ...localStorage }));
  assert.deepEqual(Object.keys(kept).sort(), ['slowly', 'steps']);
  const history = await (await tab.createCDPSession()).send('Page.getNavigationHistory');
  const everything = JSON.stringify([kept, history, await tab.content(), await browser.cookies()]);
  for (const secret of secrets) assert(!everything.includes(secret));

  await tab.reload();
  await isLoaded(tab);
  assert.equal(await text(tab, '#status'), 'Nobody is logged in.');
});

test('a redirect that is not ours is refused, and the login goes on', async (t) => {
  const { tab, settings } = await visit(t);
  await press(tab, 'log-in');
  await tab.waitForSelector('input[name=login]');
  await tab.goto(`${settings.redirect_uri}?code=forged&state=forged`);
  await isLoaded(tab);
  assert.match(await text(tab, '#problem'), /\(state_mismatch\)/);
  assert.equal(tab.url(), settings.redirect_uri);
  assert.equal(await present(tab, 'login'), 'AwaitingRedirect');

  await press(tab, 'go-on');
  await nameMyself(tab);
  await agree(tab);
  await shows(tab, 'You are logged in');
});

test('a person who comes back without an answer can go on, or give up', async (t) => {
  const { tab } = await visit(t);
  await press(tab, 'log-in');
  await tab.waitForSelector('input[name=login]');
  await tab.goBack();
  await shows(tab, 'the authorization server waits for you');
  await press(tab, 'go-on');
  await tab.waitForSelector('input[name=login]');
  await tab.goBack();
  await press(tab, 'cancel');
  await shows(tab, 'the login has failed');
  assert.deepEqual(Object.keys(await tab.evaluate(() => ({ ...sessionStorage }))).sort(), ['slowly', 'steps']);
  await logIn(tab);
});

test('a person who says no is told so, and may try again', async (t) => {
  const { tab } = await visit(t);
  await press(tab, 'log-in');
  await nameMyself(tab);
  await tab.click('a[href$="/abort"]');
  await shows(tab, 'access_denied');
  assert.equal(await present(tab, 'login'), 'Failed');
  await press(tab, 'log-in');
  await tab.waitForSelector('button[type=submit]');
  await agree(tab);
  await shows(tab, 'You are logged in');
});

test('a redirect that comes again, or to another tab, finds no login', async (t) => {
  const { tab, settings } = await visit(t);
  await tab.goto(`${settings.redirect_uri}?code=late&state=late`);
  await isLoaded(tab);
  assert.match(await text(tab, '#problem'), /\(no_login\)/);
  assert.equal(tab.url(), settings.redirect_uri);
});

// The page at the moment before the code is exchanged, with an answer of its own to that.
async function answerTheCode(t, answer) {
  const visited = await visit(t);
  const { tab, settings } = visited;
  await tab.setRequestInterception(true);
  tab.on('request', (request) => (request.url() === `${settings.issuer}/token` ? request.respond(answer) : request.continue()));
  await press(tab, 'log-in');
  await nameMyself(tab);
  await agree(tab);
  await tab.waitForSelector('#problem:not([hidden])');
  return visited;
}

test('a redirect at the token endpoint is not followed, and called what it is', async (t) => {
  const headers = { 'access-control-allow-origin': '*', location: 'https://elsewhere.example.com/' };
  const { tab } = await answerTheCode(t, { status: 307, headers });
  assert.match(await text(tab, '#problem'), /\(redirect_refused\)/);
});

test('a server that does not allow the page to read its answers looks like a network that is gone', async (t) => {
  const { tab } = await answerTheCode(t, { status: 200, contentType: 'application/json', body: '{}' });
  assert.match(await text(tab, '#problem'), /\(outcome_unknown\).*CORS/);
});

test('without a network nothing is sent, and the person is told', async (t) => {
  const { tab } = await visit(t);
  await tab.setOfflineMode(true);
  await press(tab, 'log-in');
  await shows(tab, '(unreachable)');
  const not = 'Discovering -SendFailed: No> Discovering';
  assert.deepEqual(path(await stepsOf(tab)), [LOGIN[0], not, not, not, 'Discovering -Cancelled> Failed']);
  await tab.setOfflineMode(false);
  await logIn(tab);
});
