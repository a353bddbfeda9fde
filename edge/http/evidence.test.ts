import { describe, expect, test } from 'vitest';
import { startTestServer } from './test-server.ts';

const decoding = {
  functionCode: 3,
  address: 10,
  raw: '00bc614e',
  type: 'u32',
  order: 'ABCD',
  scale: '0.01',
  transformed: null,
};
const given = {
  meter: 'E-3',
  profile: 'acrel-dtsd1352',
  register: '1-0:1.8.0',
  face: '123456.78',
  decoding,
  by: 'Wang',
  place: null,
  photo: null,
};

describe('what is signed is what the gateway reads itself', () => {
  test('whatever registers are sent', async () => {
    const { post, evidence } = await startTestServer();
    const answer = await post('/api/v1/evidence', { ...given, decoding: { ...decoding, raw: 'ffffffff' } });
    expect(answer.statusCode).toBe(201);
    expect(evidence).toMatchObject([{ decoding: { raw: '00bc614e' } }]);
  });

  test('a scale is compared as a number; a ratio is signed as the word of who gives it, and told', async () => {
    const { post, evidence } = await startTestServer();
    const transformed = { by: 'multiplied', ratio: '40' };
    const { raw: _, ...unseen } = { ...decoding, scale: '0.010', transformed };
    const answer = await post('/api/v1/evidence', { ...given, face: '4938271.2', decoding: unseen });
    expect([answer.statusCode, answer.json().transformed]).toEqual([201, transformed]);
    expect(evidence).toMatchObject([{ decoding: { raw: '00bc614e', transformed } }]);
  });

  test.each<[string, Record<string, unknown>, number, string]>([
    ['a register that the model has not', { register: '1-0:99.8.0' }, 422, 'does not read 1-0:99.8.0'],
    ['another address', { decoding: { ...decoding, address: 9999 } }, 422, 'does not read 1-0:1.8.0'],
    ['another type', { decoding: { ...decoding, type: 'f32' } }, 422, 'does not read 1-0:1.8.0'],
    [
      'another scale, and the face that it gives',
      { face: '12345678', decoding: { ...decoding, scale: '1' } },
      422,
      'does not read 1-0:1.8.0',
    ],
    [
      'a ratio that no transformers have',
      { decoding: { ...decoding, transformed: { by: 'divided', ratio: '0.0000001' } } },
      400,
      'ratio',
    ],
    ['a meter that is silent', { meter: 'E-9' }, 422, 'no reply'],
    ['a meter that is not there', { meter: 'E-0' }, 404, 'E-0'],
    ['a place beyond the poles', { place: { latitude: '999', longitude: '0' } }, 400, 'latitude'],
  ])('%s: nothing is signed', async (_, change, status, detail) => {
    const { post, evidence } = await startTestServer();
    const answer = await post('/api/v1/evidence', { ...given, ...change });
    expect(answer.statusCode).toBe(status);
    expect(answer.body).toContain(detail);
    expect(evidence).toEqual([]);
  });
});

test.each([
  ['a JPEG', '\xff\xd8\xff\xe0', 201],
  ['a GIF', 'GIF89a', 415],
  ['nothing', '', 415],
])('%s as a photo: %s is answered with %i', async (_, bytes, status) => {
  const { api } = await startTestServer();
  const answer = await api.inject({
    method: 'POST',
    url: '/api/v1/photos',
    headers: { 'content-type': 'image/jpeg' },
    payload: Buffer.from(bytes, 'latin1'),
  });
  expect(answer.statusCode).toBe(status);
});
