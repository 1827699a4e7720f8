// `oidc-provider` as the authorization server, with the keys that it is given. One that is made later with other keys
// goes on where this one was: all state is in the store, and the cookies are signed with the same key.

import { randomBytes } from 'node:crypto';

import { account, claims, strength } from './accounts.mjs';
import { algorithms } from './keys.mjs';
import { Store } from './store.mjs';

const { default: Provider, errors } = await import('oidc-provider');

const cookieKey = randomBytes(32).toString('hex');

// RFC 8252: a public native client, on loopback (any port) and on a private-use scheme. Its ID tokens are signed with
// the algorithm that it chose.
function native(client_id, algorithm) {
  return {
    client_id,
    id_token_signed_response_alg: algorithm,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback', 'com.example.app:/oauth2redirect'],
    post_logout_redirect_uris: ['http://127.0.0.1/loggedout', 'com.example.app:/loggedout'],
  };
}

const clients = [
  native('native-app', 'ES256'),
  ...algorithms.map((algorithm) => native(`native-app-${algorithm.toLowerCase()}`, algorithm)),
];

export function provide(issuer, resources, keys) {
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys },
    adapter: Store,
    cookies: { keys: [cookieKey] },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    claims,
    // As most servers do: what the scope asks for is in the ID token, and not at the userinfo endpoint alone.
    conformIdTokenClaims: false,
    acrValues: ['phr', 'pwd'],
    enabledJWA: { idTokenSigningAlgValues: algorithms },
    pkce: { required: () => true },
    // Web pages may be clients, at any origin: examples/web is one.
    clientBasedCORS: () => true,
    // The provider rotates before it looks at the resource, so `invalid_target` costs the refresh token. Most servers look
    // first; so does this one, for the resources that it has never heard of.
    rotateRefreshToken: (ctx) => [ctx.oidc.params.resource ?? []].flat().every((resource) => resource in resources),
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => account(sub) }),
    // RFC 9470 §6.2: how and when the person logged in.
    extraTokenClaims(ctx) {
      const { AuthorizationCode: code, RefreshToken: refresh } = ctx.oidc.entities;
      const source = code ?? refresh;
      return { acr: strength(source), auth_time: source?.authTime };
    },
    features: {
      devInteractions: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, resource) {
          if (!resources[resource]) throw new errors.InvalidTarget();
          return {
            scope: 'read write',
            accessTokenTTL: resources[resource].ttl,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 300,
      Session: 600,
      Grant: 600,
      Interaction: 600,
      IdToken: 3600,
      RefreshToken: 600,
    },
  });

  // The provider puts no `at_hash` into the ID tokens of its token endpoint, but it makes one of what is set here.
  const { save } = provider.AccessToken.prototype;
  provider.AccessToken.prototype.save = async function saveAndKeep() {
    this.value = await save.call(this);
    return this.value;
  };
  const { issue } = provider.IdToken.prototype;
  provider.IdToken.prototype.issue = function issueWithHash(options) {
    const { AccessToken: access, AuthorizationCode: code, RefreshToken: refresh } = this.ctx.oidc.entities;
    if (options.use === 'idtoken') {
      this.set('at_hash', access.value);
      this.available.acr = strength(code ?? refresh);
    }
    return issue.call(this, options);
  };
  provider.on('server_error', (_ctx, error) => console.error(error));
  return provider;
}
