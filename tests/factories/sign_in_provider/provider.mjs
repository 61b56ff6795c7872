// A certified OpenID provider for the tests: any login name signs in, its groups come after a dot.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, back, onwards, ahead] = process.argv.slice(2);
const real = Date.now;
Date.now = () => real() + 1000 * Number(ahead); // as far ahead as the product's clock
const issuer = `http://127.0.0.1:${port}`;

const key = () => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kid: randomBytes(6).toString('hex'), use: 'sig', alg: 'RS256',
});
const client = (client_id) => ({
  client_id, client_secret: 'a secret of the tests', redirect_uris: [back], post_logout_redirect_uris: [onwards],
});
const made = () => new Provider(issuer, {
  clients: [client('campaign-manager'), client('another-program')],
  jwks: { keys: [key()] },
  cookies: { keys: ['tests'] },
  pkce: { required: () => true },
  conformIdTokenClaims: false,
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username', 'groups'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, email: `${id.split('.')[0]}@harbour.example`, email_verified: !id.startsWith('unproved'),
      name: `From Outside ${id}`, preferred_username: id, groups: id.split('.').slice(1),
    }),
  }),
});

let answer = made().callback();
createServer((request, response) => {
  if (request.url === '/test/new-keys') {
    answer = made().callback();
    response.end('done');
  } else answer(request, response);
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
