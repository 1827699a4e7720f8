// What the authorization server remembers: grants, sessions, codes, tokens. It outlives the provider that wrote it, so
// that a provider with other keys finds it all. Nothing is swept out: a test run is short.

const entries = new Map();
let grace = 0;

// A refresh token may come again for so many seconds after its first use, in case the answer was lost. The provider has no
// setting for that: for so long it does not get to see that the token was used, and replaces it once more.
export function allowGrace(seconds) {
  grace = seconds;
}

const now = () => Math.floor(Date.now() / 1000);

export class Store {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload) {
    entries.set(this.key(id), payload);
  }

  async find(id) {
    const payload = entries.get(this.key(id));
    const isGraced = this.model === 'RefreshToken' && now() < (payload?.consumed ?? 0) + grace;
    return isGraced ? { ...payload, consumed: undefined } : payload;
  }

  async findByUid(uid) {
    for (const [key, payload] of entries) {
      if (key.startsWith(`${this.model}:`) && payload.uid === uid) return payload;
    }
    return undefined;
  }

  async consume(id) {
    entries.get(this.key(id)).consumed ??= now();
  }

  async destroy(id) {
    entries.delete(this.key(id));
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of entries) {
      if (key.startsWith(`${this.model}:`) && payload.grantId === grantId) entries.delete(key);
    }
  }
}
