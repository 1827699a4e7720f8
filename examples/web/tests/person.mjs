// A browser without a screen and the person before it: follows redirects, keeps cookies, fills in the forms of the server.

const attributes = (tag) => Object.fromEntries([...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));

// Opens the URL, and goes on until the server sends the browser away from itself; gives that URL.
export async function walk(url, login = 'ada') {
  const origin = new URL(url).origin;
  const cookies = {};
  let [method, body] = ['GET', undefined];
  for (let pages = 0; pages < 20; pages += 1) {
    const cookie = Object.entries(cookies).map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(url, { method, body, redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies[name] = value;
    }
    const location = answer.headers.get('location');
    if (location) {
      url = new URL(location, url).href;
      if (new URL(url).origin !== origin) return url;
      [method, body] = ['GET', undefined];
      continue;
    }
    const page = await answer.text();
    const form = /<form[^>]*>/.exec(page);
    if (!form) throw new Error(`no form: ${answer.status} ${page}`);
    const fields = [...page.matchAll(/<input[^>]*>/g)].map(([tag]) => attributes(tag)).filter(({ name }) => name);
    const button = /<button[^>]*name="[^>]*>/.exec(page);
    if (button) fields.push(attributes(button[0]));
    const values = { login, password: 'any' };
    body = new URLSearchParams(fields.map(({ name, value }) => [name, values[name] ?? value ?? '']));
    method = 'POST';
    url = new URL(attributes(form[0]).action, url).href;
  }
  throw new Error('the pages go round in circles');
}
