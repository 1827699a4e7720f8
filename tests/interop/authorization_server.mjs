// The authorization server: a provider that can be replaced by one with other keys, and what a test may do to it.

import { answer } from './apis.mjs';
import { generateKeys, publicPart } from './keys.mjs';
import { provide } from './provider.mjs';

export class AuthorizationServer {
  #issuer;
  #path;
  #resources;
  #generation = 0;
  #keys = [];
  #answer;
  #metadata = {};
  #hidden = [];
  #refusal;
  #requests = {};

  static async on(issuer, resources) {
    const server = new AuthorizationServer();
    server.#issuer = issuer;
    server.#path = new URL(issuer).pathname.replace(/\/$/, '');
    server.#resources = resources;
    await server.rotate({});
    return server;
  }

  // New keys of all kinds. The old ones sign no more, and stay in the key set unless they are forgotten. The new ones have
  // new names, or those of the forgotten ones, as with a server that is installed again.
  async rotate({ forget, sameNames }) {
    if (!sameNames) this.#generation += 1;
    const fresh = await generateKeys(this.#generation);
    this.#keys = forget ? fresh : [...fresh, ...this.#keys];
    const provider = provide(this.#issuer, this.#resources, this.#keys);
    provider.use(async (ctx, next) => {
      await next();
      if (ctx.path.startsWith('/.well-known/')) Object.assign(ctx.body, this.#metadata);
    });
    this.#answer = provider.callback();
  }

  // The key set as it is published.
  get keys() {
    return { keys: this.#keys.map(publicPart) };
  }

  // What the metadata documents say from now on, instead of the truth. `null` leaves a member out.
  metadata(members) {
    const absent = ([name, value]) => [name, value ?? undefined];
    Object.assign(this.#metadata, Object.fromEntries(Object.entries(members).map(absent)));
  }

  // Paths at which there is nothing from now on.
  hide(paths) {
    this.#hidden = paths;
  }

  // What the next token request is answered with: RFC 6749 §5.2. The provider does not get to see the request.
  refuse(body) {
    this.#refusal = body;
  }

  // How often each path was asked for.
  get requests() {
    return this.#requests;
  }

  handle(request, response) {
    const path = request.url.split('?')[0];
    const asked = `${request.method} ${path}`;
    this.#requests[asked] = (this.#requests[asked] ?? 0) + 1;
    const inside = this.#inside(request.url);
    if (inside === undefined || this.#hidden.includes(path)) {
      response.statusCode = 404;
      return response.end();
    }
    if (this.#refusal && asked === `POST ${this.#path}/token`) {
      const refusal = this.#refusal;
      this.#refusal = undefined;
      request.resume();
      return answer(response, 400, undefined, refusal);
    }
    // The provider makes URLs of the difference.
    request.originalUrl = `${this.#path}${inside}`;
    request.url = inside;
    return this.#answer(request, response);
  }

  // The URL without the issuer's path, which the provider does not want to see. OpenID Connect Discovery §4 has that path
  // before `/.well-known/…`, RFC 8414 §3.1 has it behind.
  #inside(url) {
    const wellKnown = /^\/\.well-known\/[a-z-]+/.exec(url)?.[0];
    if (this.#path && wellKnown && url === `${wellKnown}${this.#path}`) return wellKnown;
    return url.startsWith(`${this.#path}/`) ? url.slice(this.#path.length) : undefined;
  }
}
