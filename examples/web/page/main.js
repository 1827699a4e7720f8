// The page around the module: buttons, what is said about the state, the pictures, the list of steps.

import init, { App } from '/pkg/oauth_proto_web.js';

const element = (id) => document.getElementById(id);
const graphs = {};
let steps = JSON.parse(sessionStorage.getItem('steps') ?? '[]');
let app;

// What an error's own message cannot know about a page.
const hints = {
  outcome_unknown: 'If this happens each time, the server does not let this page read its answers (CORS): the browser’s console tells.',
};

// Where a person is, by the phase of the machines: what is said, and the buttons that make sense.
const situations = {
  none: ['Nobody is logged in.', 'log-in'],
  Ready: ['The login begins.'],
  Discovering: ['The authorization server is asked for its addresses.'],
  AwaitingRedirect: ['A login has begun: the authorization server waits for you.', 'go-on', 'cancel'],
  ExchangingCode: ['You are back. The code is exchanged for tokens.'],
  FetchingKeys: ['The keys of the authorization server are fetched.'],
  Verifying: ['The signature of the ID token is verified.'],
  Finished: ['The login is done.'],
  Failed: ['Nobody is logged in: the login has failed.', 'log-in'],
  Active: ['You are logged in.', 'call', 'sign-out'],
  Refreshing: ['A new access token is fetched.'],
  LoginRequired: ['The session has ended.', 'log-in'],
  SigningOut: ['The tokens are revoked.'],
  LoggingOut: ['Signed out here. The authorization server is told too.'],
  SignedOut: ['Signed out.', 'log-in'],
};

function render() {
  const signedOut = !app.phase && location.pathname === '/loggedout';
  const [words, ...buttons] = situations[signedOut ? 'SignedOut' : app.phase ?? 'none'];
  element('status').textContent = app.phase === 'Active' && app.user ? `You are logged in: ${app.user}.` : words;
  for (const button of document.querySelectorAll('.buttons button')) button.hidden = !buttons.includes(button.id);
}

// The present state of a machine, and the way by which it was reached.
function mark(machine, { from, to }) {
  element(`${machine}-phase`).textContent = to;
  const graph = graphs[machine];
  for (const part of graph.querySelectorAll('.present, .passed')) part.classList.remove('present', 'passed');
  graph.querySelector(`[data-phase="${to}"]`)?.classList.add('present');
  graph.querySelector(`[data-from~="${from}"][data-to="${to}"]`)?.classList.add('passed');
}

function list({ machine, from, event, action, to }) {
  const row = element('log').insertRow();
  row.classList.toggle('refused', /^(refused|fatal error)/.test(action));
  for (const text of [machine, from, event, action, to]) row.insertCell().textContent = text;
  element('clear').hidden = false;
}

// Called by the module at each step, which goes on when the promise is kept.
async function show(step) {
  steps.push(step);
  sessionStorage.setItem('steps', JSON.stringify(steps));
  list(step);
  const refusedNothingHappened = step.action.startsWith('refused');
  mark(step.machine, refusedNothingHappened ? { to: step.to } : step);
  render();
  if (element('slowly').checked) await new Promise((seen) => setTimeout(seen, 900));
}

// Runs what a button is for; meanwhile no other can be pressed.
async function run(work) {
  const buttons = document.querySelectorAll('.buttons button');
  element('problem').hidden = true;
  document.body.ariaBusy = 'true';
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } catch (error) {
    const hint = hints[error.name];
    element('problem').textContent = `${error.message} (${error.name})${hint ? ` ${hint}` : ''}`;
    element('problem').hidden = false;
  }
  for (const button of buttons) button.disabled = false;
  document.body.ariaBusy = 'false';
  render();
}

async function draw(machine) {
  const text = await (await fetch(`/${machine}.svg`)).text();
  // The page's policy allows no style in attributes; style.css has what is needed.
  const picture = new DOMParser().parseFromString(text.replace(/ style="[^"]*"/, ''), 'image/svg+xml');
  graphs[machine] = element(`${machine}-graph`);
  graphs[machine].append(document.importNode(picture.documentElement, true));
}

async function callApi() {
  element('answer').hidden = true;
  element('answer').querySelector('code').textContent = await app.call_api();
  element('answer').hidden = false;
}

function clear() {
  steps = [];
  sessionStorage.removeItem('steps');
  element('log').replaceChildren();
  element('clear').hidden = true;
}

element('log-in').onclick = () => run(() => (clear(), app.log_in()));
element('go-on').onclick = () => run(() => app.go_on());
element('cancel').onclick = () => run(() => app.cancel());
element('call').onclick = () => run(callApi);
element('sign-out').onclick = () => run(() => app.sign_out());
element('clear').onclick = clear;
element('slowly').onchange = () => sessionStorage.setItem('slowly', element('slowly').checked);
element('slowly').checked = sessionStorage.getItem('slowly') !== 'false';

// "Back" may bring the page as it was when it was left, in the middle of a step.
addEventListener('pageshow', (event) => event.persisted && location.reload());

const [settings] = await Promise.all([
  fetch('/settings.json').then((answer) => answer.text()),
  init({ module_or_path: '/pkg/oauth_proto_web_bg.wasm' }),
  draw('login'),
  draw('session'),
]);
app = new App(settings, show);
for (const step of steps) {
  list(step);
  // A session ends with its page, the picture of a login goes on.
  if (step.machine === 'login') mark('login', step);
}
await run(() => app.arrive());
document.body.dataset.ready = 'true';
