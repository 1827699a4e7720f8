// The page around the module: buttons, what is said about the state, the pictures, the list of steps.

import init, { App } from '/pkg/oauth_proto_web.js';

const element = (id) => document.getElementById(id);
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

// Marks the present state of a machine and the ways that were taken: by a login, all of them; by a session, which goes round
// and round, the last.
function mark(machine, { from, to }) {
  element(`${machine}-phase`).textContent = to;
  const graph = element(`${machine}-graph`);
  const isFresh = machine === 'session' || from === 'Ready';
  graph.querySelector('.present')?.classList.remove('present');
  if (isFresh) for (const way of graph.querySelectorAll('.passed')) way.classList.remove('passed');
  graph.querySelector(`[data-phase="${to}"]`).classList.add('present');
  graph.querySelector(`[data-from~="${from}"][data-to="${to}"]`)?.classList.add('passed');
}

// Opens the picture of the machine that is at work.
function open(machine) {
  for (const each of ['login', 'session']) element(each).open = each === machine;
}

function list({ machine, from, event, action, to }) {
  const row = element('log').insertRow();
  row.classList.toggle('refused', /^(refused|fatal error)/.test(action));
  for (const text of [machine, from, event, action, to]) row.insertCell().textContent = text;
  element('clear').hidden = false;
}

// Shows where a step has led; one that was refused took no way.
function follow(step) {
  list(step);
  mark(step.machine, step.action.startsWith('refused') ? { to: step.to } : step);
}

// Called by the module at each step, which goes on when the promise is kept.
async function show(step) {
  steps.push(step);
  sessionStorage.setItem('steps', JSON.stringify(steps));
  open(step.machine);
  follow(step);
  render();
  if (element('slowly').checked) await new Promise((seen) => setTimeout(seen, 900));
}

function tell(error) {
  const hint = app?.phase === 'AwaitingRedirect'
    ? 'The page was opened with an address that does not belong to your login. It was ignored.'
    : hints[error.name] ?? '';
  const message = error.message[0].toUpperCase() + error.message.slice(1);
  element('problem').textContent = `${message} (${error.name}). ${hint}`;
  element('problem').hidden = false;
}

// Runs what a button is for; meanwhile no other can be pressed.
async function run(work) {
  const buttons = document.querySelectorAll('.buttons button');
  element('problem').hidden = true;
  document.body.ariaBusy = 'true';
  for (const button of buttons) button.disabled = true;
  await Promise.resolve().then(work).catch(tell);
  for (const button of buttons) button.disabled = false;
  document.body.ariaBusy = 'false';
  render();
  if (app.phase === 'Active') {
    open('session');
    mark('session', { to: app.phase });
  }
}

async function draw(machine) {
  const text = await (await fetch(`/${machine}.svg`)).text();
  // The page's policy allows no style in attributes; style.css has what is needed.
  const picture = new DOMParser().parseFromString(text.replace(/ style="[^"]*"/, ''), 'image/svg+xml');
  element(`${machine}-graph`).append(document.importNode(picture.documentElement, true));
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

async function begin() {
  const module = init({ module_or_path: '/pkg/oauth_proto_web_bg.wasm' });
  const settings = await (await fetch('/settings.json')).text();
  await Promise.all([module, draw('login'), draw('session')]);
  app = new App(settings, show);
  // A session ends with its page; a login goes on in the next.
  for (const step of steps) (step.machine === 'login' ? follow : list)(step);
  await run(() => app.arrive());
}

begin().catch(tell).finally(() => { document.body.dataset.ready = 'true'; });
