// What leaves the device: options, what is recognised and replaced, what comes back, the user's leave, and the log.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkPrivacy, Consents, EgressLog, placeholdersIn, Redactor, Rehydrator, rehydrated } from '../../pkg/dist/privacy/index.js';
import { RECOGNISERS } from '../../pkg/dist/privacy/recognise/index.js';
import { createRouter } from '../../pkg/dist/route/lazy.js';
import { partOf, score, table, wilson } from '../../tools/pii.mjs';
import { notBuilt, shared } from './support/browser.mjs';

const SOAK = Boolean(process.env.KINGLET_SOAK);
const payload = (content, more = {}) => ({ messages: [{ role: 'user', content }], max_tokens: 10, ...more });
const redact = (text, options) => {
  const { payload: out, counts, vault } = new Redactor(options).redact(payload(text));
  return { text: out.messages[0].content, counts, vault };
};
const refused = (work, param) => assert.throws(work, (e) => e.code === 'invalid_request' && e.detail.param === param, param);

/** A generator of numbers from 0 to 1, the same for the same seed (mulberry32). */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

test('options are checked by their paths', () => {
  const good = { consent: 'ask', redact: 'yes', entities: ['email'], dictionary: ['Falcon'], onConsent: () => 'no' };
  assert.deepEqual(checkPrivacy(good), good);
  assert.deepEqual(checkPrivacy(undefined), {});
  refused(() => checkPrivacy({ dictionary: ['a', 'b', ''] }), 'privacy.dictionary[2]');
  refused(() => checkPrivacy({ dictionary: ['a', 7] }), 'privacy.dictionary[1]');
  refused(() => checkPrivacy({ entities: ['email', 'name'] }), 'privacy.entities[1]');
  refused(() => checkPrivacy({ entities: [, 'email'] }), 'privacy.entities[0]');
  refused(() => checkPrivacy({ consent: 'sometimes' }), 'privacy.consent');
  refused(() => checkPrivacy({ redact: true }), 'privacy.redact');
  refused(() => checkPrivacy({ onConsent: 'once' }), 'privacy.onConsent');
  refused(() => checkPrivacy({ color: 1 }), 'privacy.color');
  refused(() => checkPrivacy('ask'), 'privacy');
});

/** `[text, what of it is replaced, with its kind]` */
const CASES = [
  ['write to john.doe+x@mail.example.co.uk.', ['email', 'john.doe+x@mail.example.co.uk']],
  ['"John Doe"@example.com', ['email', '"John Doe"@example.com']],
  ['Jürgen@müller.de!', ['email', 'Jürgen@müller.de']],
  ['root@[10.0.0.1]', ['email', 'root@[10.0.0.1]']],
  ['npm i kinglet@1.2.3 and @scope/name'],
  ['+49 30 123456 oder 0171/1234567', ['phone', '+49 30 123456'], ['phone', '0171/1234567']],
  ['(212) 555-0123 ext. 45', ['phone', '(212) 555-0123 ext. 45']],
  ['06 12 34 56 78', ['phone', '06 12 34 56 78']],
  ['Call 555 1234 now', ['phone', '555 1234']],
  ['order 5551234567 of 2024-11-22, 22.11.2024, 10:30, 1 000 000'],
  ['4111 1111 1111 1111', ['card', '4111 1111 1111 1111']],
  ['ref 12 4111-1111-1111-1111, 34', ['card', '4111-1111-1111-1111']],
  ['3782 822463 10005', ['card', '3782 822463 10005']],
  ['4111 1111 1111 1112'],
  ['at 1732262400000 ms'],
  ['DE89 3704 0044 0532 0130 00', ['iban', 'DE89 3704 0044 0532 0130 00']],
  ['iban:gb82west12345698765432', ['iban', 'gb82west12345698765432']],
  ['GB82 WEST 1234 5698 7654 33'],
  ['host 192.168.0.1:80', ['ip', '192.168.0.1']],
  ['from 2001:db8::ff00:42:8329.', ['ip', '2001:db8::ff00:42:8329']],
  ['::ffff:192.0.2.1', ['ip', '::ffff:192.0.2.1']],
  ['999.1.1.1, 12:30:45, std::cout, foo::bar()'],
  ['see (https://example.com/a_(b)?q=1).', ['url', 'https://example.com/a_(b)?q=1']],
  ['www.example.org/x, example.net:8080/y', ['url', 'www.example.org/x'], ['url', 'example.net:8080/y']],
  ['node.js, README.md, main.rs, e.g. this, user.name, console.info(x), 0x01000193'],
  ['sk-proj-abcdEFGH1234567890', ['secret', 'sk-proj-abcdEFGH1234567890']],
  ['ghp_abcdefghijklmnopqrstuvwxyz0123456789', ['secret', 'ghp_abcdefghijklmnopqrstuvwxyz0123456789']],
  ['AKIAIOSFODNN7EXAMPLE', ['secret', 'AKIAIOSFODNN7EXAMPLE']],
  ['xoxb-123456789012-abcdefABCDEF', ['secret', 'xoxb-123456789012-abcdefABCDEF']],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF-123', ['secret', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF-123']],
  ['Authorization: Bearer abcdefgh12345678', ['secret', 'abcdefgh12345678']],
  ['password: hunter2', ['secret', 'hunter2']],
  ['DB_PASSWORD="correct horse \\" battery"', ['secret', 'correct horse \\" battery']],
  ['{"apiKey": "abcd1234efgh"}', ['secret', 'abcd1234efgh']],
  ['my password is Zx81kqPP!', ['secret', 'Zx81kqPP']],
  ['+1 (555) 123-4567, 555-123-4567', ['phone', '+1 (555) 123-4567'], ['phone', '555-123-4567']],
  ['+15551234567, 020 7946 0958', ['phone', '+15551234567'], ['phone', '020 7946 0958']],
  ['tel:+1-555-123-4567, 1.800.555.0199', ['phone', '+1-555-123-4567'], ['phone', '1.800.555.0199']],
  ['+33 1 23 45 67 89, 0049 30 123456', ['phone', '+33 1 23 45 67 89'], ['phone', '0049 30 123456']],
  ['aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', ['secret', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY']],
  ['X-Api-Key: abc123def456', ['secret', 'abc123def456']],
  ['api_key=abcdefghijklmnopqrst', ['secret', 'abcdefghijklmnopqrst']],
  ['Authorization: Basic dXNlcjpwYXNz', ['secret', 'dXNlcjpwYXNz']],
  ['mysql://root:pw@db.example/x', ['url', 'mysql://root:pw@db.example/x']],
  ['[2001:db8::1]:443, fe80::1: no', ['ip', '2001:db8::1'], ['ip', 'fe80::1']],
  ['ip:2001:db8::1,add=::1', ['ip', '2001:db8::1'], ['ip', '::1']],
  ['tel:0301234567…+49 30 123456', ['phone', '0301234567'], ['phone', '+49 30 123456']],
  ['...192.168.0.1 ...www.example.org', ['ip', '192.168.0.1'], ['url', 'www.example.org']],
  ['<a@b.co>,mailto:c@d.org', ['email', 'a@b.co'], ['email', 'c@d.org']],
  ['the password is required, token: string, tokens: 512'],
  ['-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----', ['secret', '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----']],
];

test('what is recognised, and what is not', () => {
  for (const [text, ...spans] of CASES) {
    const { counts, vault, text: out } = redact(text);
    const total = {};
    let expected = text;
    const numbers = {};
    for (const [kind, value] of spans) {
      total[kind] = (total[kind] ?? 0) + 1;
      numbers[kind] = (numbers[kind] ?? 0) + 1;
      expected = expected.replace(value, () => `__${kind.toUpperCase()}_${numbers[kind]}__`);
    }
    assert.equal(out, expected);
    assert.deepEqual(counts, total, text);
    assert.equal(rehydrated(out, vault).text, text);
  }
});

test('what only looks different is found all the same', () => {
  for (const [text, kind] of [
    ['４１１１ １１１１ １１１１ １１１１', 'card'],
    ['4\u200b111\u00ad1111\u20601111\ufeff1111', 'card'],
    ['٤١١١١١١١١١١١١١١١', 'card'],
    ['4111\u00a01111\u20111111\u20131111', 'card'],
    ['ｊｏｈｎ＠ｅｘａｍｐｌｅ．ｃｏｍ', 'email'],
    ['jo\u200dhn@exam\u200bple.com', 'email'],
    ['john\\u0040example.com', 'email'],
    ['john\\\\u0040example.com', 'email'],
    ['john%40example.com', 'email'],
    ['john&#64;example.com', 'email'],
    ['＿＿EMAIL_1＿＿', 'text'],
    ['\\_\\_EMAIL\\_1\\_\\_', 'text'],
    ['\\u005f_EMAIL_1__', 'text'],
    ['𝟜𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙', 'card'],
  ]) {
    const { text: out, counts, vault } = redact(text);
    assert.deepEqual(counts, kind === 'text' ? {} : { [kind]: 1 }, text);
    assert.equal(out, `__${kind.toUpperCase()}_1__`, text);
    assert.equal(rehydrated(out, vault).text, text);
  }
});

test('the dictionary: whole words, the longest first, whatever their case', () => {
  const dictionary = ['Falcon', 'Project Falcon', 'Müller', 'STRASSE', '张伟', 'C++', 'José'];
  for (const [text, out] of [
    ['the PROJECT  falcon and falcons', 'the __TERM_1__ and falcons'],
    ['mu\u0308ller, MÜLLER', '__TERM_1__, __TERM_2__'],
    ['Hauptstraße straße', 'Hauptstraße __TERM_1__'],
    ['我是张伟的朋友', '我是__TERM_1__的朋友'],
    ['C++11, c', '__TERM_1__11, c'],
    ["JOSÉ's", "__TERM_1__'s"],
    ['fal\u200bcon', '__TERM_1__'],
  ]) {
    const found = redact(text, { dictionary });
    assert.equal(found.text, out);
    assert.equal(rehydrated(found.text, found.vault).text, text);
  }
  assert.deepEqual(redact('a@b.com falcon', { entities: ['dictionary'], dictionary }).counts, { dictionary: 1 });
});

test('everything in a payload is covered, and stays what it must be', () => {
  const secret = 'sk-abcdefghijklmnop1234';
  const call = { id: 'c1', type: 'function', function: { name: 'send', arguments: `{"to":"john\\u0040example.com", "n":1.0,"card":4111111111111111,"password":"a\\"b","deep":"{\\"k\\":\\"${secret}\\"}"}` } };
  const given = {
    messages: [
      { role: 'system', content: 'ask john@example.com', name: 'john@example.com' },
      { role: 'user', content: [{ type: 'text', text: 'I am joh' }, { type: 'text', text: 'n@example.com, yes' }] },
      { role: 'assistant', content: null, refusal: 'not for john@example.com', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: '{"card":4111111111111111,"from":"10.0.0.1"}' },
    ],
    max_tokens: 100,
    temperature: 0.5,
    stop: ['john@example.com', 'END'],
    tools: [
      {
        type: 'function',
        function: {
          name: 'send',
          description: 'mails john@example.com',
          parameters: {
            $schema: 'https://json-schema.org/draft/2020-12/schema',
            type: 'object',
            properties: { to: { type: 'string', default: 'john@example.com', enum: ['10.0.0.1'], examples: [4111111111111111] }, 'john@example.com': { type: 'string' }, pin: { type: 'string', description: 'four digits', default: '8642' } },
          },
        },
      },
    ],
    response_format: { type: 'json_schema', json_schema: { name: 'x', description: 'see https://example.com/x', schema: { type: 'object', properties: { a: { const: 'john@example.com' } } } } },
    unheard: { of: [{ deep: 'john@example.com' }] },
  };
  const before = structuredClone(given);
  const { payload: out, counts, vault } = new Redactor().redact(given);
  const text = JSON.stringify(out);
  for (const value of ['john', 'example.com', '4111', secret, '10.0.0.1', 'a\\"b', '8642']) assert.ok(!text.includes(value), value);
  assert.deepEqual(given, before);
  assert.deepEqual(counts, { email: 11, card: 3, ip: 2, url: 1, secret: 3 });
  assert.equal(out.tools[0].function.parameters.$schema, 'https://json-schema.org/draft/2020-12/schema');
  assert.deepEqual([out.max_tokens, out.temperature, out.messages[0].role, out.tools[0].type], [100, 0.5, 'system', 'function']);
  const back = JSON.parse(rehydrated(out.messages[2].tool_calls[0].function.arguments, vault, { json: true }).text);
  assert.deepEqual(back, { to: 'john@example.com', n: 1, card: '4111111111111111', password: 'a"b', deep: `{"k":"${secret}"}` });
  JSON.parse(out.messages[3].content);
  assert.deepEqual(new Redactor().count(given), counts);
  assert.deepEqual(placeholdersIn(out), counts);
  assert.equal(JSON.stringify(vault), `{"placeholders":${vault.size}}`);
});

test('what cannot be walked is refused', () => {
  const redactor = new Redactor();
  const loop = {};
  loop.loop = loop;
  const failing = { get x() { throw new Error('no'); } };
  for (const odd of [() => 1, Symbol('x'), 1n, new Map(), new Date(), new Uint8Array(3), Number.NaN, loop, { toJSON: () => 'john@example.com' }]) {
    assert.throws(() => redactor.redact({ ...payload('x'), odd }), (e) => e.code === 'invalid_request' && /^payload\.odd/.test(e.detail.param));
  }
  assert.throws(() => redactor.redact({ ...payload('x'), failing }), (e) => e.code === 'invalid_request' && e.detail.param === 'payload');
});

const WORDS = ['the', 'Größe', '__', '_', 'EMAIL', '__EMAIL_1__', '__EMAIL_1', '__TEXT_1__', '1__', '日本', '"', '\\', '\n', '{', '}', '`x`', '😀', '**', ' ', '\u200b', 'a_b', '__PHONE_', '2', '__A'];
const PLANTED = ['john@example.com', 'JOHN@example.com', '+49 30 123456', '4111 1111 1111 1111', 'DE89 3704 0044 0532 0130 00', '10.0.0.1', '2001:db8::1', 'https://example.com/x', 'sk-abcdefghijklmnop1234', 'Project Falcon', 'password: hunter2', 'the key is Zx81kqPP', 'call 555 1234'];

test('property: what is put back is what was there, and nothing planted is left', () => {
  const rng = random(7);
  const pick = (list) => list[Math.floor(rng() * list.length)];
  const redactor = new Redactor({ dictionary: ['Project Falcon'] });
  for (let round = 0; round < (SOAK ? 20_000 : 1000); round += 1) {
    const planted = [];
    let text = '';
    for (let i = 0; i < 12; i += 1) {
      if (rng() < 0.25) {
        planted.push(pick(PLANTED));
        text += ` ${planted.at(-1)} `;
      } else {
        text += pick(WORDS);
      }
    }
    const call = { function: { name: 'f', arguments: JSON.stringify({ text, [text]: [text] }) } };
    const { payload: out, vault } = redactor.redact({ messages: [{ role: 'user', content: text, tool_calls: [call] }], max_tokens: 1 });
    const [message] = out.messages;
    assert.deepEqual(redactor.left(out), {}, JSON.stringify(out));
    for (const value of planted) assert.ok(!JSON.stringify(out).includes(value), `${value} in ${text}`);
    assert.equal(rehydrated(message.content, vault).text, text);
    assert.deepEqual(JSON.parse(rehydrated(message.tool_calls[0].function.arguments, vault, { json: true }).text), { text, [text]: [text] });
  }
});

test('property: what is planted in disguise, between any signs, is found all the same', () => {
  const rng = random(13);
  const pick = (list) => list[Math.floor(rng() * list.length)];
  const code = (char, base) => char.charCodeAt(0).toString(base);
  const DISGUISES = [
    (char) => char,
    (char) => char + pick(['\u200b', '\u200d', '\u00ad', '\u2060', '\ufeff', '\u0301', '\ufe0f', '\0']),
    (char) => (/[!-~]/.test(char) ? String.fromCharCode(char.charCodeAt(0) + 0xfee0) : char),
    (char) => `\\u${code(char, 16).padStart(4, '0')}`,
    (char) => (char < '\x80' ? `%${code(char, 16)}` : char),
    (char) => `&#${code(char, 10)};`,
  ];
  const AROUND = ['(', ')', '"', ',', ';', '>', '<', '。', '，', '「', '」', '*', '`', '|', '=', '[', ']', '{', '}', '\n', '!', '?', '…', '“', '”', ' ', ' the ', ' 日本 '];
  const redactor = new Redactor({ dictionary: ['Project Falcon'] });
  for (let round = 0; round < (SOAK ? 30_000 : 1500); round += 1) {
    const value = pick(PLANTED.slice(0, 10));
    const disguise = pick(DISGUISES);
    const planted = [...value].map((char) => (rng() < 0.5 ? disguise(char) : char)).join('');
    const text = `${pick(AROUND)}${pick(AROUND)} ${pick(['', pick(AROUND)])}${planted}${pick(AROUND)}${pick(AROUND)}`;
    const { payload: out, vault } = redactor.redact(payload(text));
    const [{ content }] = out.messages;
    const found = [...content.matchAll(/__[A-Z]+_\d+__/g)].map(([placeholder]) => vault.value(placeholder));
    assert.ok(found.some((one) => one.includes(planted.slice(0, -1))), `${JSON.stringify(text)} -> ${JSON.stringify(content)}`);
    assert.equal(rehydrated(content, vault).text, text);
  }
});

test('rehydration is exact wherever the answer is split, in text and in JSON', () => {
  const { vault } = redact('john@example.com, "a\\b"@c.de, __EMAIL_1__, +49 30 123456');
  const values = ['__EMAIL_1__', '__EMAIL_2__', '__TEXT_1__', '__PHONE_1__'].map((one) => vault.value(one));
  assert.deepEqual(values, ['john@example.com', '"a\\b"@c.de', '__EMAIL_1__', '+49 30 123456']);
  for (const [text, whole, json, missing] of [
    ['Dear __EMAIL_1__, ___EMAIL_2____TEXT_1__', `Dear ${values[0]}, _${values[1]}${values[2]}`, {}, 0],
    ['____EMAIL_1__EMAIL_1____', `__${values[0]}EMAIL_1____`, {}, 1],
    ['__EMAIL_9__EMAIL_1__ __init__ **EMAIL_1** \\_\\_PHONE\\_1\\_\\_', `__EMAIL_9${values[0]} __init__ **EMAIL_1** \\_\\_PHONE\\_1\\_\\_`, {}, 3],
    ['{"to":"__EMAIL_2__","x":"__PHONE_1__"}', `{"to":"\\"a\\\\b\\"@c.de","x":"${values[3]}"}`, { json: true }, 0],
    ['__EMAIL', '__EMAIL', {}, 0],
  ]) {
    const pieces = (list) => {
      const rehydrator = new Rehydrator(vault, json);
      let shown = '';
      let given = '';
      for (const piece of list) {
        given += piece;
        shown += rehydrator.push(piece);
      }
      const { text: rest, missing: count } = rehydrator.end();
      assert.ok(rest.length < vault.longest, 'held back too much');
      assert.equal(count, missing, text);
      return shown + rest;
    };
    assert.equal(pieces([...text]), whole);
    for (let i = 0; i <= text.length; i += 1) {
      for (let j = i; j <= text.length; j += 1) assert.equal(pieces([text.slice(0, i), text.slice(i, j), text.slice(j)]), whole);
    }
  }
});

test('nothing plain is held back, and what is held back is bounded', () => {
  const { vault } = redact('john@example.com');
  const rehydrator = new Rehydrator(vault);
  assert.equal(rehydrator.push('plain text'), 'plain text');
  assert.equal(rehydrator.push('__'), '');
  assert.equal(rehydrator.push('EMAIL_1'), '');
  assert.equal(rehydrator.push('00000000000').length, 20); // no placeholder is so long
  assert.equal(rehydrator.push('x'), 'x');
  const { vault: empty } = redact('nothing');
  assert.deepEqual(rehydrated('__EMAIL_1__ EMAIL_1 __', empty), { text: '__EMAIL_1__ EMAIL_1 __', missing: 0 });
});

/** Texts that are slow to search for who searches carelessly: for each recogniser its own, a megabyte of each. */
const NASTY = {
  email: ['@', 'a@', '"@', 'a'],
  url: ['://', 'a://', 'a', 'a-', 'x.com/', 'http://a)'],
  ip: ['1.1.1.', '1:', 'd'],
  card: ['1 ', '1', '0-'],
  iban: ['DE89', 'd', 'iban'],
  phone: ['+1(', '00', 'phone ', '0 '],
  secret: ['-----BEGIN PRIVATE KEY-----', 'eyJ', 'eyJaaaaaaaaaa.', 'password', 'password: ', "password='\\", 'token=', 'key ', 'sk-', 'Bearer ', 'bearer  '],
};
const megabyte = (seed) => seed.repeat(Math.ceil(1_000_000 / seed.length)).slice(0, 1_000_000);
/** A search whose time grows with the square takes minutes or hours. */
const LONG_MS = 30_000;

test('hostile text takes time in proportion to its length, for every recogniser', () => {
  assert.deepEqual(Object.keys(NASTY).sort(), Object.keys(RECOGNISERS).sort());
  const within = (work, what) => {
    const begin = performance.now();
    work();
    const ms = performance.now() - begin;
    assert.ok(ms < LONG_MS, `${what} took ${Math.round(ms)} ms`);
  };
  const all = [...new Set(Object.values(NASTY).flat())];
  for (const [name, find] of Object.entries(RECOGNISERS)) {
    for (const seed of SOAK ? all : NASTY[name]) within(() => [...find(megabyte(seed))], `${name}, ${JSON.stringify(seed)},`);
  }
  const redactor = new Redactor({ dictionary: ['a', '1 1', 'password x'] });
  for (const seed of [...(SOAK ? [...all, '\u200b', 'a', '{"a":'] : []), '\\u0040', 'a\u0301', '__A_1']) {
    const text = megabyte(seed);
    within(() => {
      const { payload: out, vault } = redactor.redact(payload(text));
      assert.ok(rehydrated(out.messages[0].content, vault).text === text, seed);
    }, `redacting ${JSON.stringify(seed)}`);
  }
});

const question = (more = {}) => ({ remote: 'big', host: 'llm.example', model: 'm', reason: 'low_confidence', preview: '{}', redacted: true, entities: {}, cost: 1, currency: 'USD', ...more });

test('consent: whatever goes wrong is a no', async () => {
  assert.equal(await new Consents().ask(question()), 'no');
  for (const hook of [() => undefined, () => true, () => 'yes', () => ['session'], () => Promise.reject(new Error('x')), () => { throw new Error('x'); }, async () => 'Once']) {
    const consents = new Consents(hook);
    assert.equal(await consents.ask(question()), 'no');
    assert.deepEqual(consents.granted(), []);
  }
  let seen;
  const never = new Consents((request) => ((seen = request.signal), new Promise(() => {})));
  const soon = new AbortController();
  setTimeout(() => soon.abort(), 20);
  assert.equal(await never.ask(question(), { signal: soon.signal }), 'no');
  assert.ok(seen.aborted);
  assert.equal(await never.ask(question(), { signal: AbortSignal.abort() }), 'no');
  let answer;
  const late = new Consents(() => new Promise((resolve) => (answer = resolve)));
  const controller = new AbortController();
  const asked = late.ask(question(), { signal: controller.signal });
  await new Promise((resolve) => setTimeout(resolve));
  controller.abort();
  answer('session');
  assert.equal(await asked, 'no');
  assert.deepEqual(late.granted(), []);
});

test('a grant holds for the same recipient, and for nothing that shows more', async () => {
  let asked = 0;
  let answer = 'session';
  const consents = new Consents(() => ((asked += 1), answer));
  const ask = (more) => consents.ask(question(more));
  assert.equal(await ask(), 'session');
  assert.equal(await ask({ task: 't' }), 'session');
  assert.equal(asked, 1);
  answer = 'no';
  for (const more of [{ redacted: false }, { host: 'other.example' }, { model: 'n' }, { remote: 'other' }]) assert.equal(await ask(more), 'no');
  assert.equal(asked, 5);
  answer = 'task';
  assert.equal(await ask({ remote: 'r', task: 't', redacted: false }), 'task');
  assert.equal(await ask({ remote: 'r', task: 't' }), 'task');
  assert.equal(await ask({ remote: 'r' }), 'once', 'without a task there is nothing that it could hold for');
  answer = 'no';
  assert.equal(await ask({ remote: 'r', task: 'u' }), 'no');
  assert.equal(consents.granted().length, 2);
  consents.revoke({ remote: 'big' });
  assert.equal(await ask(), 'no');
  consents.revoke();
  assert.deepEqual(consents.granted(), []);
});

test('after a withdrawal every answer is no: of a question that waits, of what was granted, for good', async () => {
  let asked = 0;
  const consents = new Consents(() => ((asked += 1), asked === 1 ? 'session' : new Promise(() => {})));
  assert.equal(await consents.ask(question()), 'session');
  const waiting = consents.ask(question({ remote: 'other' }));
  assert.equal(consents.withdrawn, false);
  consents.withdraw();
  assert.equal(await waiting, 'no');
  for (const options of [{}, { quiet: true }]) assert.equal(await consents.ask(question(), options), 'no');
  assert.deepEqual([consents.granted(), consents.withdrawn, consents.askable(question())], [[], true, false]);
});

test('one question at a time; the second uses what the first was granted; revoking denies those that wait', async () => {
  const answers = [];
  const consents = new Consents(() => new Promise((resolve) => answers.push(resolve)));
  const tick = () => new Promise((resolve) => setTimeout(resolve));
  const [first, second] = [consents.ask(question()), consents.ask(question())];
  await tick();
  assert.equal(answers.length, 1);
  answers[0]('session');
  assert.deepEqual(await Promise.all([first, second]), ['session', 'session']);
  assert.equal(answers.length, 1);
  consents.revoke();
  const waiting = [consents.ask(question()), consents.ask(question()), consents.ask(question({ remote: 'other' }))];
  await tick();
  consents.revoke({ remote: 'big' });
  answers[1]('session');
  assert.deepEqual(await Promise.all(waiting.slice(0, 2)), ['no', 'no']);
  assert.deepEqual(consents.granted(), []);
  await tick();
  answers[2]('once');
  assert.equal(await waiting[2], 'once');
});

test('the log of what left has no text, and an end', async () => {
  const log = await EgressLog.open({ store: 'memory', most: 3 });
  const entry = (i) => ({ id: `a${i}`, at: 1000 + i, remote: 'big', host: 'h', model: 'm', bytes: 10, consent: 'once', redacted: true, entities: { email: 1 } });
  for (let i = 0; i < 5; i += 1) await log.add({ ...entry(i), text: 'secret', entities: { email: 1, secret: 'hunter2', other: 2 } });
  assert.deepEqual(await log.entries(), [entry(2), entry(3), entry(4)]);
  await log.clear();
  assert.deepEqual(await log.entries(), []);
});

const PRICE = { inputPerMillion: 1, outputPerMillion: 1, currency: 'USD', asOf: '2026-11-01' };

test('property: in the module for decisions, joining labels never removes a requirement, on either axis, in any order', { skip: notBuilt() ?? false }, async () => {
  const rng = random(11);
  const pick = (list) => list[Math.floor(rng() * list.length)];
  const [CONSENT, REDACT] = [['free', 'ask', 'never'], ['no', 'yes']];
  const label = () => ({ ...(rng() < 0.7 ? { consent: pick(CONSENT) } : {}), ...(rng() < 0.7 ? { redact: pick(REDACT) } : {}) });
  for (let round = 0; round < 100; round += 1) {
    const privacy = label();
    const rule = label();
    const router = await createRouter({ mode: 'prefer-remote', remotes: [{ name: 'big', price: PRICE }], privacy, tasks: { t: rule } });
    const base = { consent: privacy.consent ?? 'ask', redact: privacy.redact ?? 'no' };
    const payload = Array.from({ length: Math.floor(rng() * 5) }, label);
    const strictest = (all, axis, order) => all.map((one) => order.indexOf(one[axis] ?? base[axis])).reduce((a, b) => Math.max(a, b), 0);
    const all = [...(payload.length === 0 ? [{}] : payload), rule.consent || rule.redact ? { consent: rule.consent ?? 'free', redact: rule.redact ?? 'no' } : { consent: 'free', redact: 'no' }];
    const expected = { consent: CONSENT[strictest(all, 'consent', CONSENT)], redact: REDACT[strictest(all, 'redact', REDACT)] };
    for (const order of [payload, payload.toReversed()]) {
      const { decision } = router.decide({ task: 't', prompt_tokens: 5, max_tokens: 5, payload: order });
      const what = JSON.stringify({ privacy, rule, order });
      if (expected.consent === 'never') {
        assert.equal(decision.egress, null, what);
      } else {
        assert.deepEqual([decision.egress.needs_consent, decision.egress.needs_redaction], [expected.consent === 'ask', expected.redact === 'yes'], what);
      }
    }
    for (const wrong of [{ consent: 'public' }, { redact: true }, { secrecy: 'high' }]) {
      assert.throws(() => router.decide({ payload: [...payload, wrong] }), (e) => e.code === 'invalid_request' && e.message.includes(`facts.payload[${payload.length}]`));
    }
  }
});

const DATA = shared('pii/presidio_synth_half.json');

test('the table of docs/privacy.md is what the tool prints', { skip: DATA === undefined ? 'no shared test data' : false }, () => {
  const docs = readFileSync(new URL('../../docs/privacy.md', import.meta.url), 'utf8');
  const printed = table(score(partOf(JSON.parse(readFileSync(DATA, 'utf8')), 'scored')));
  assert.ok(docs.includes(printed.trim()), printed);
  assert.ok(!docs.includes(table(score(partOf(JSON.parse(readFileSync(DATA, 'utf8')), 'looked-at'))).trim()));
});

test("Wilson's interval", () => {
  const near = (interval, expected) => interval.forEach((bound, i) => assert.ok(Math.abs(bound - expected[i]) < 5e-4, `${bound}`));
  near(wilson(8, 10), [0.4902, 0.9433]); // R: prop.test(8, 10, correct = FALSE)
  near(wilson(0, 10), [0, 0.2775]);
  near(wilson(42, 42), [0.9162, 1]);
});
