// Traces and metrics: what a collector gets, by the official definitions; and that nothing that happens to it reaches the app.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KingletError } from '../../pkg/dist/errors.js';
import { Telemetry, checkTelemetry } from '../../pkg/dist/telemetry/index.js';
import { noRealServer, PYTHON } from './support/real-llm.mjs';

const LOCAL = {
  id: 'chatcmpl-1',
  operation: 'classify',
  started_ms: 1_795_000_000_000,
  ended_ms: 1_795_000_000_012.5,
  model: 'desk',
  usage: { input: 16, output: 2 },
  decision: { action: 'local', reason: 'confident', asked: null, calibrated: true },
  saved: 58,
  currency: 'USD',
  finish: 'stop',
  content: { input: [{ role: 'user', content: 'my secret prompt' }], output: 'my secret answer' },
};
const REMOTE = {
  ...LOCAL,
  id: 'chatcmpl-2',
  operation: 'chat',
  remote: { name: 'strong', provider: 'openai:relay.example:8443', model: 'large', response_model: 'large-2026' },
  usage: { input: 9_007_199_254_740_991, output: 700, cached: 4 },
  decision: { action: 'remote', reason: 'low_confidence', asked: 'low_confidence', calibrated: false },
  cost: 2_675,
  attempts: 2,
  segments: 2,
};
const FAILED = { ...REMOTE, id: 'chatcmpl-3', usage: undefined, finish: undefined, cost: undefined, error: 'remote_failed' };

/** A collector that keeps what it gets, and answers as `answer(n, request)` says, from 1. */
async function collector(answer = () => ({})) {
  const got = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      got.push({ path: request.url, headers: request.headers, body, at: performance.now() });
      const { status = 200, headers = {}, text = '{}' } = answer(got.filter(({ path }) => path === request.url).length, request);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/otel`;
  return { url, got, spans: () => spansOf(got), close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) };
}

const spansOf = (got) => got.filter(({ path }) => path.endsWith('/v1/traces')).flatMap(({ body }) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans);
const metricsOf = (got) => got.filter(({ path }) => path.endsWith('/v1/metrics')).flatMap(({ body }) => JSON.parse(body).resourceMetrics[0].scopeMetrics[0].metrics);
const plain = ({ stringValue, boolValue, intValue, arrayValue }) => stringValue ?? boolValue ?? intValue ?? arrayValue?.values.map(plain);
const facts = ({ attributes }) => Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));

async function told(reports, options = {}) {
  const to = await collector();
  const telemetry = new Telemetry({ endpoint: to.url, ...options });
  for (const report of reports) telemetry.answered(report);
  await telemetry.flush();
  await telemetry.close();
  await to.close();
  return { ...to, telemetry };
}

test('an answer is a span with the names of the GenAI conventions', async () => {
  const { got, spans } = await told([LOCAL, REMOTE, FAILED], { service: 'shop', headers: { 'x-team': 'desk' } });
  const [local, remote, failed] = spans();
  assert.deepEqual(facts(local), {
    'gen_ai.operation.name': 'classify',
    'gen_ai.provider.name': 'kinglet',
    'gen_ai.request.model': 'desk',
    'gen_ai.response.model': 'desk',
    'gen_ai.response.id': 'chatcmpl-1',
    'gen_ai.usage.input_tokens': '16',
    'gen_ai.usage.output_tokens': '2',
    'gen_ai.response.finish_reasons': ['stop'],
    'kinglet.source': 'local',
    'kinglet.local.model': 'desk',
    'kinglet.decision.action': 'local',
    'kinglet.decision.reason': 'confident',
    'kinglet.decision.calibrated': true,
    'kinglet.saved': '58',
    'kinglet.currency': 'USD',
  });
  assert.deepEqual([local.name, local.kind, local.startTimeUnixNano, local.endTimeUnixNano], ['classify desk', 1, '1795000000000000000', '1795000000012500000']);
  const of = facts(remote);
  assert.deepEqual([remote.name, remote.kind, of['gen_ai.provider.name'], of['server.address'], of['server.port']], ['chat large', 3, 'openai', 'relay.example', '8443']);
  assert.deepEqual([of['gen_ai.response.model'], of['kinglet.cost'], of['kinglet.attempts'], of['kinglet.segments']], ['large-2026', '2675', '2', '2']);
  assert.equal(of['gen_ai.usage.input_tokens'], '9007199254740991');
  assert.deepEqual([failed.status.code, facts(failed)['error.type'], 'gen_ai.usage.input_tokens' in facts(failed)], [2, 'remote_failed', false]);
  assert.equal(new Set([local, remote, failed].map(({ traceId }) => traceId)).size, 3);
  const { path, headers, body } = got.find((one) => one.path.endsWith('traces'));
  assert.deepEqual([path, headers['x-team'], headers.cookie, headers.referer], ['/otel/v1/traces', 'desk', undefined, undefined]);
  assert.ok(body.includes('"service.name"') && body.includes('"shop"'));
});

test('no prompt and no answer is told unless the app asks for it', async () => {
  const without = await told([LOCAL, REMOTE]);
  assert.ok(!JSON.stringify(without.got).includes('secret'));
  const withContent = await told([LOCAL], { content: true });
  assert.equal(facts(withContent.spans()[0])['gen_ai.input.messages'], JSON.stringify(LOCAL.content.input));
  assert.equal(facts(withContent.spans()[0])['gen_ai.output.messages'], '"my secret answer"');
  assert.ok(!JSON.stringify(metricsOf(withContent.got)).includes('secret'));
});

test('tokens and seconds are histograms, money is summed, and a batch holds only what is new', async () => {
  const to = await collector();
  const telemetry = new Telemetry({ endpoint: to.url });
  for (const report of [LOCAL, LOCAL, REMOTE]) telemetry.answered(report);
  await telemetry.flush();
  const metrics = Object.fromEntries(metricsOf(to.got).map((metric) => [metric.name, metric]));
  const points = metrics['gen_ai.client.token.usage'].histogram.dataPoints;
  const input = points.find((point) => facts(point)['gen_ai.provider.name'] === 'kinglet' && facts(point)['gen_ai.token.type'] === 'input');
  assert.deepEqual([input.count, input.sum, input.min, input.max], ['2', 32, 16, 16]);
  assert.deepEqual(input.explicitBounds.slice(0, 4), [1, 4, 16, 64]);
  assert.deepEqual(input.bucketCounts, ['0', '0', '2', ...Array(12).fill('0')], '16 is in the bucket that ends at 16');
  const seconds = metrics['gen_ai.client.operation.duration'];
  assert.deepEqual([seconds.unit, seconds.histogram.dataPoints[0].explicitBounds.at(-1)], ['s', 81.92]);
  assert.ok(Math.abs(seconds.histogram.dataPoints[0].sum - 0.025) < 1e-9);
  assert.equal(metrics['kinglet.client.cost'].sum.dataPoints[0].asInt, '2675');
  assert.equal(metrics['kinglet.client.saved'].sum.dataPoints.reduce((sum, { asInt }) => sum + Number(asInt), 0), 3 * 58);
  await telemetry.flush();
  assert.equal(to.got.length, 2, 'nothing is new: nothing is sent');
  telemetry.answered(LOCAL);
  await telemetry.close();
  assert.equal(metricsOf(to.got.slice(2))[0].histogram.dataPoints[0].count, '1');
  telemetry.answered(LOCAL);
  await telemetry.flush();
  assert.equal(to.got.length, 4, 'what is closed tells nothing');
  await to.close();
});

test('every request is what the official definitions have, and a changed one is not', { skip: noRealServer() ?? false }, async () => {
  const nasty = ['\ud800', 'a\u0000b', '\u{1F600}'.repeat(600), '</script>', '__proto__'].flatMap((text) => [
    { ...REMOTE, id: text, model: text, operation: text, finish: text, remote: { name: text, provider: text, model: text, response_model: text } },
  ]);
  const numbers = [NaN, Infinity, -1, 0.5, 2 ** 60, 1e300].map((n) => ({ ...REMOTE, started_ms: n, ended_ms: -n, cost: n, saved: n, usage: { input: n, output: n } }));
  const { got } = await told([LOCAL, REMOTE, FAILED, ...nasty, ...numbers], { content: true });
  const requests = got.map(({ path, body }) => ({ path: path.replace('/otel', ''), body }));
  const [trace, metric] = ['/v1/traces', '/v1/metrics'].map((path) => requests.find((request) => request.path === path));
  const changed = [
    [trace, '"traceId"', '"trace_idd"'],
    [trace, '"kind":1', '"kind":"SPAN_KIND_NONE"'],
    [trace, /"traceId":"[0-9a-f]/, '"traceId":"Z'],
    [trace, '"stringValue":"classify"', '"stringValue":5'],
    [trace, '"startTimeUnixNano":"1795000000000000000"', '"startTimeUnixNano":"179500000000000000000"'],
    [metric, '"count":"1"', '"count":"one"'],
    [metric, '"aggregationTemporality"', '"temporality"'],
    [metric, '"bucketCounts":["0",', '"bucketCounts":["9",'],
    [metric, '"sum":', '"total":'],
  ].map(([{ path, body }, from, to]) => {
    assert.notEqual(body.replace(from, to), body, String(from));
    return { path, body: body.replace(from, to) };
  });
  const input = [...requests, ...changed].map((request) => `${JSON.stringify(request)}\n`).join('');
  const { status, stdout, stderr } = spawnSync(PYTHON, [fileURLToPath(new URL('./support/otlp.py', import.meta.url))], { input, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const found = stdout.trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(found.slice(0, requests.length), requests.map(() => null));
  assert.equal(found.length, requests.length + changed.length);
  for (const [i, wrong] of found.slice(requests.length).entries()) {
    assert.notEqual(wrong, null, `change ${i} was taken`);
  }
});

test('a collector that is busy is asked again, for a while; what it does not take is counted', async () => {
  const answers = {
    busy: (n) => (n === 1 ? { status: 429, headers: { 'retry-after': '1' } } : {}),
    partial: (_, { url }) => (url.endsWith('traces') ? { text: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}' } : {}),
    refuses: () => ({ status: 400, text: '<html>' }),
    sends_elsewhere: () => ({ status: 307, headers: { location: 'http://127.0.0.1:1/v1/traces' } }),
    says_nothing: () => ({ text: '' }),
    says_nonsense: () => ({ text: '[null' }),
    asks_too_much: () => ({ status: 503, headers: { 'retry-after': '3600' } }),
  };
  const expected = { busy: [2, 0], partial: [1, 1], refuses: [0, 2], sends_elsewhere: [0, 2], says_nothing: [2, 0], says_nonsense: [2, 0], asks_too_much: [0, 2] };
  await Promise.all(
    Object.entries(answers).map(async ([name, answer]) => {
      const to = await collector(answer);
      const telemetry = new Telemetry({ endpoint: to.url });
      telemetry.answered(LOCAL);
      telemetry.answered(REMOTE);
      const flushed = telemetry.flush();
      if (name === 'sends_elsewhere') {
        await new Promise((resolve) => setTimeout(resolve, 300));
        await telemetry.close(); // it is not waited for
      }
      await flushed;
      const { sent, dropped } = telemetry.stats;
      assert.deepEqual([sent, dropped], expected[name], name);
      const traces = to.got.filter(({ path }) => path.endsWith('traces'));
      assert.equal(traces.length, name === 'busy' ? 2 : 1, name);
      if (name === 'busy') assert.ok(traces[1].at - traces[0].at >= 950, 'Retry-After is kept');
      await telemetry.close();
      await to.close();
    }),
  );
});

test('the queue is bounded, the oldest is dropped; what cannot be told is no error', async () => {
  const to = await collector();
  const telemetry = new Telemetry({ endpoint: to.url, most: 3, content: true });
  for (let i = 0; i < 10; i += 1) telemetry.answered({ ...LOCAL, id: `n${i}` });
  assert.deepEqual(telemetry.stats, { sent: 0, dropped: 7, queued: 3 });
  const loop = {};
  loop.loop = loop;
  telemetry.answered({ ...LOCAL, content: { input: loop } });
  telemetry.answered({ ...LOCAL, content: { input: 5n } });
  telemetry.answered(undefined);
  assert.equal(telemetry.stats.dropped, 10);
  await telemetry.flush();
  assert.deepEqual(to.spans().map((span) => facts(span)['gen_ai.response.id']), ['n7', 'n8', 'n9']);
  for (let i = 0; i < 1_000; i += 1) telemetry.answered({ ...LOCAL, operation: `op ${i}` });
  await telemetry.close();
  const points = metricsOf(to.got).find(({ name, histogram }) => name === 'gen_ai.client.token.usage' && histogram.dataPoints.length > 5).histogram.dataPoints;
  assert.equal(points.length, 201);
  assert.deepEqual(facts(points.at(-1)), { 'otel.metric.overflow': true });
  await to.close();
  // Nobody is there, and whoever waits for that waits no longer than the page lives.
  const alone = new Telemetry({ endpoint: to.url });
  alone.answered(LOCAL);
  const flushed = alone.flush();
  await alone.close();
  await flushed;
  assert.deepEqual(alone.stats, { sent: 0, dropped: 1, queued: 0 });
});

test('bad options are errors that name their path', () => {
  for (const [options, path] of [
    [undefined, 'telemetry'],
    ['https://otel.example', 'telemetry'],
    [{}, 'telemetry.endpoint'],
    [{ endpoint: 'http://otel.example' }, 'telemetry.endpoint'],
    [{ endpoint: 'https://me:pw@otel.example' }, 'telemetry.endpoint'],
    [{ endpoint: 'https://otel.example', header: {} }, 'telemetry.header'],
    [{ endpoint: 'https://otel.example', headers: { authorization: 'Bearer x' } }, 'telemetry.headers.authorization'],
    [{ endpoint: 'https://otel.example', service: '' }, 'telemetry.service'],
    [{ endpoint: 'https://otel.example', content: 'yes' }, 'telemetry.content'],
    [{ endpoint: 'https://otel.example', intervalMs: 0 }, 'telemetry.intervalMs'],
    [{ endpoint: 'https://otel.example', most: 1.5 }, 'telemetry.most'],
    [{ endpoint: 'https://otel.example', most: NaN }, 'telemetry.most'],
  ]) {
    assert.throws(() => checkTelemetry(options), (error) => error instanceof KingletError && error.code === 'invalid_request' && error.detail.param === path, path);
  }
  assert.equal(checkTelemetry({ endpoint: new URL('https://otel.example/base/') }).traces.href, 'https://otel.example/base/v1/traces');
});
