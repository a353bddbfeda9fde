import { describe, expect, test } from 'vitest';
import { DLT645_FRAME } from '../../protocols/dlt645/frame.ts';
import type { Taken } from './exchange.ts';
import { framedExchange } from './framed-exchange.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const REQUEST = '68 01 00 00 00 00 00 68 11 04 33 33 34 33 B3 16';
const REPLY = '68 01 00 00 00 00 00 68 91 08 33 33 34 33 89 67 45 33 9F 16';

/** What has been taken after the last chunk. */
function taken(...chunks: string[]): Taken<string> {
  const exchange = framedExchange({
    unit: '000000000001',
    shape: DLT645_FRAME,
    frame: bytes(REQUEST),
    parse: (frame) =>
      frame.length === bytes(REPLY).length
        ? { ok: true, answer: 'the answer' }
        : { ok: false, code: 'wrong_item' },
  });
  expect(exchange.start()).toEqual(bytes(`FE FE FE FE ${REQUEST}`));
  let last: Taken<string> = { state: 'partial' };
  for (const chunk of chunks) {
    expect(last.state).toBe('partial');
    last = exchange.take(bytes(chunk));
  }
  return last;
}

const answer = { state: 'answer', answer: 'the answer', mayFollow: false };

describe('an exchange of frames takes', () => {
  test.each<[string, string[]]>([
    ['the answer', [REPLY]],
    ['the answer behind its wake bytes', [`FE FE FE FE ${REPLY}`]],
    ['the answer byte by byte', REPLY.split(' ')],
    ['the answer behind the echo of the request', [`FE FE FE FE ${REQUEST} FE ${REPLY}`]],
    ['an echo, and then the answer', [`FE FE ${REQUEST.slice(0, 20)}`, REQUEST.slice(20), REPLY]],
  ])('%s', (_title, chunks) => {
    expect(taken(...chunks)).toEqual(answer);
  });
  test.each<[string, string[], string]>([
    ['an answer and the beginning of another', [`${REPLY} 68 01`], 'not_alone'],
    ['two echoes', [REQUEST + REQUEST], 'wrong_item'],
    [
      'another frame',
      [REPLY.replace('91 08 33 33 34 33 89 67 45 33 9F', '91 04 33 33 34 33 33')],
      'wrong_item',
    ],
    ['noise before the answer', [`00 ${REPLY}`], 'noise'],
    ['noise behind the answer', [`${REPLY} 00`], 'noise'],
    ['a flipped bit', [REPLY.replace('89', '8B')], 'bad_checksum'],
    ['a wrong end', [`${REPLY.slice(0, -2)}17`], 'bad_frame'],
  ])('%s for a doubt', (_title, chunks, doubt) => {
    expect(taken(...chunks)).toEqual({ state: 'doubt', doubt });
  });
  test('half an answer for a part of one', () => {
    expect(taken(REPLY.slice(0, 30))).toEqual({ state: 'partial' });
  });
});
