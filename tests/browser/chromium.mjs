// Chromium, and what is seen in it.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

import { atEnd, folder, until } from './world.mjs';

export const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium';

// Chromium's sandbox does not work for root.
export const ROOT_ARGUMENTS = process.getuid() === 0 ? ['--no-sandbox'] : [];

// Everything is on this machine. Another host is not even looked up, so no test depends on a network.
const ARGUMENTS = [
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE ::1',
  '--lang=en',
  ...ROOT_ARGUMENTS,
];

export async function chromium(t, { args = [], userDataDir = folder(t), ...options } = {}) {
  const { env = process.env, ...others } = options;
  const browser = await puppeteer.launch({
    executablePath: PROGRAM,
    userDataDir,
    pipe: true,
    args: [...ARGUMENTS, ...args],
    // The first would keep it from opening connections in advance, the second from taking pages that other programs open.
    ignoreDefaultArgs: ['--disable-background-networking', '--enable-automation'],
    defaultViewport: null,
    // A Chromium that is killed leaves files in its folder for temporary files.
    env: { ...env, TMPDIR: userDataDir },
    ...others,
  });
  atEnd(t, () => end(browser));
  return browser;
}

async function end(browser) {
  await Promise.race([browser.close().catch(() => undefined), new Promise((done) => { setTimeout(done, 5000).unref(); })]);
  browser.process()?.kill('SIGKILL');
}

// A tab that remembers what its pages ask for and complain of.
export class Tab {
  static async in(browser) {
    return new Tab().attach(await browser.newPage());
  }

  async attach(page) {
    this.page = page;
    this.requests = [];
    this.complaints = [];
    this.documents = new Map();
    page.on('request', (request) => this.requests.push(request));
    page.on('response', (response) => {
      if (response.request().isNavigationRequest()) this.documents.set(response.url(), response);
    });
    page.on('console', (message) => this.complaints.push({ text: message.text(), url: message.location().url ?? '' }));
    page.on('pageerror', (error) => this.complaints.push({ text: String(error), url: page.url() }));
    const session = await page.createCDPSession();
    session.on('Log.entryAdded', ({ entry }) => this.complaints.push({ text: entry.text, url: entry.url ?? '' }));
    session.on('Audits.issueAdded', ({ issue }) => this.complaints.push({ text: JSON.stringify(issue), url: page.url() }));
    await session.send('Log.enable');
    await session.send('Audits.enable');
    return this;
  }

  // The page at this place, once it is there.
  async at(url) {
    await until(`${url} in the browser, which is at ${this.page.url().split('?')[0]}`, () => this.page.url().startsWith(url));
    await this.page.waitForSelector('h1');
    return this;
  }

  get heading() {
    return this.page.$eval('h1', (heading) => heading.textContent);
  }

  get text() {
    return this.page.$eval('body', (body) => body.innerText);
  }

  // The tab that another program opens, with a URL that begins so.
  static async opened(browser, begin) {
    const isThere = (page) => page.url().startsWith(begin);
    const page = await until(`a tab with ${begin}`, async () => (await browser.pages()).find(isThere));
    const tab = await new Tab().attach(page);
    tab.isOpenedByOthers = true;
    return tab;
  }

  async click(selector) {
    // As a person does: a tab in the background takes no clicks.
    await this.page.bringToFront();
    await Promise.all([this.page.waitForNavigation(), this.page.click(selector)]);
  }
}

// Checks a page of ours, and takes pictures of it under this name.
export async function checkOurs(tab, name, { heading, status = 200, says = [] }) {
  const { page } = tab;
  await page.bringToFront();
  await page.waitForSelector('h1');
  assert.equal(await tab.heading, heading);
  assert.equal(await page.title(), heading);
  const text = await tab.text;
  for (const words of says) assert.match(text, words);

  const url = new URL(page.url());
  assert.equal(await page.evaluate(() => performance.getEntriesByType('navigation')[0].responseStatus), status);
  // Unless another program has opened the page: then it was there before it was watched.
  const headers = tab.documents.get(url.href)?.headers() ?? { isUnknown: tab.isOpenedByOthers };
  if (!headers.isUnknown) {
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.match(headers['content-security-policy'], /^default-src 'none'/);
  }

  // What the address has is on the page nowhere.
  const html = await page.content();
  for (const secret of ['code', 'state'].map((parameter) => url.searchParams.get(parameter))) {
    assert.ok(!secret || !html.includes(secret), 'the page shows something of its address');
  }
  // Nothing but the document was asked for; the icon that browsers want by themselves is refused by the policy or by a 404.
  const asked = tab.requests.filter((request) => request.frame() === page.mainFrame())
    .filter((request) => !request.isNavigationRequest() && request.headers().referer?.startsWith(url.origin));
  assert.deepEqual(asked.map((request) => request.url()), []);
  assert.deepEqual(await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => entry.name)), []);
  // The style was not blocked, and Chromium complains of nothing but the status of pages.
  assert.equal(await page.$eval('body', (body) => getComputedStyle(body).fontFamily !== '"Times New Roman"'), true);
  const isStatus = ({ url: of, text: it }) => tab.documents.has(of) && it.startsWith('Failed to load resource');
  const complaints = tab.complaints.filter((it) => it.url.startsWith(url.origin) && !isStatus(it));
  assert.deepEqual(complaints, []);
  await checkLooks(page, name);
  assert.equal(await tab.heading, heading, 'the page has stayed');
}

const SIZES = {
  desktop: { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false },
  phone: { width: 360, height: 740, deviceScaleFactor: 2, mobile: true },
};

// The page in both sizes and both colours: nothing is cut off, and text stands out from its ground. With SCREENSHOTS set to a
// folder, pictures go there.
export async function checkLooks(page, name) {
  // By hand: `page.setViewport` would load the page again.
  const session = await page.createCDPSession();
  for (const [size, metrics] of Object.entries(SIZES)) {
    await session.send('Emulation.setDeviceMetricsOverride', metrics);
    for (const colours of ['light', 'dark']) {
      await session.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: colours }] });
      const looks = await page.evaluate(look);
      if (process.env.SCREENSHOTS) {
        mkdirSync(process.env.SCREENSHOTS, { recursive: true });
        const { data } = await session.send('Page.captureScreenshot');
        writeFileSync(join(process.env.SCREENSHOTS, `${name}-${size}-${colours}.png`), Buffer.from(data, 'base64'));
      }
      assert.ok(looks.width <= metrics.width, `${name}, ${size}: the page is ${looks.width} wide`);
      assert.equal(looks.isDark, colours === 'dark', `${name}: the colours are those that the user has chosen`);
      assert.ok(looks.contrast >= 4.5, `${name}, ${colours}: the contrast is ${looks.contrast}`);
      assert.ok(looks.smallest >= 14, `${name}, ${size}: letters of ${looks.smallest} pixels`);
    }
  }
  await session.detach();
}

// In the page: its width, whether it is dark, the least contrast of its texts (WCAG 2.2 §1.4.3), the size of its smallest
// letters.
function look() {
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/[\d.]+/g).slice(0, 3).map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const transparent = 'rgba(0, 0, 0, 0)';
  // What the browser paints where the page paints nothing.
  const canvas = () => {
    const probe = document.createElement('div');
    probe.style.backgroundColor = 'canvas';
    document.documentElement.append(probe);
    const colour = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return colour;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== transparent) return colour;
    }
    return canvas();
  };
  const shows = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const texts = [...document.body.querySelectorAll('*')].filter(shows);
  const contrasts = texts.map((element) => {
    const pair = [getComputedStyle(element).color, ground(element)].map(luminance).sort((a, b) => a - b);
    return (pair[1] + 0.05) / (pair[0] + 0.05);
  });
  return {
    width: document.documentElement.scrollWidth,
    isDark: luminance(ground(document.body)) < 0.2,
    contrast: Math.min(...contrasts),
    smallest: Math.min(...texts.map((element) => parseFloat(getComputedStyle(element).fontSize))),
  };
}

// The person before the browser, at the pages of `oidc-provider`.
export const person = {
  async signsIn(tab, name = 'ada') {
    await tab.page.waitForSelector('input[name=login]');
    await tab.page.bringToFront();
    await tab.page.type('input[name=login]', name);
    await tab.page.type('input[name=password]', 'any');
    await tab.click('button[type=submit]');
  },
  async consents(tab) {
    await tab.page.waitForSelector('input[name=prompt][value=consent]');
    await tab.click('button[type=submit]');
  },
  // The last click of a login whose redirect goes to an app: the browser stays where it is.
  async opensTheApp(tab, selector = 'button[type=submit]') {
    await tab.page.bringToFront();
    await tab.page.waitForSelector(selector);
    await tab.page.click(selector);
  },
  async cancels(tab) {
    await tab.page.waitForSelector('a[href$="/abort"]');
    await tab.click('a[href$="/abort"]');
  },
};
