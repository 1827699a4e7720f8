// The signing keys of the authorization server: one of each kind, and a new one of each kind when they are rotated.

import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

const kinds = {
  rsa: ['rsa', { modulusLength: 2048 }],
  'p-256': ['ec', { namedCurve: 'P-256' }],
  'p-384': ['ec', { namedCurve: 'P-384' }],
  ed25519: ['ed25519', {}],
};

// What these keys can sign. The RSA key and the Ed25519 key have no `alg` in the key set, for they are good for several.
export const algorithms = [
  'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA', 'Ed25519',
];

// Private JWKs, named after their generation and their kind: `1-rsa`.
export async function generateKeys(generation) {
  return Promise.all(Object.entries(kinds).map(async ([name, [type, options]]) => {
    const { privateKey } = await promisify(generateKeyPair)(type, options);
    return { ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: `${generation}-${name}` };
  }));
}

export function publicPart({ kty, use, kid, crv, x, y, n, e }) {
  return { kty, use, kid, crv, x, y, n, e };
}
