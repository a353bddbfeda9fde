import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../protocols/canonical-json.ts';
import type { Statement } from '../../protocols/statement.ts';
import { openSigningKey, type SigningKey, signStatement } from '../signing.ts';
import { billPeriod } from './bill-period.ts';
import { sampleInput, samplePark } from './sample-park.ts';
import type { StatementDraft } from './statement-draft.ts';
import { encode, partsOf } from './statement-file.ts';
import { verifyStatement } from './verify-statement.ts';

const dir = mkdtempSync(join(tmpdir(), 'meterline-verify-'));
afterAll(() => rmSync(dir, { recursive: true }));
const key = openSigningKey(dir);
const issue = { issuedAt: '2026-10-01T00:00:00Z', manifest: '0'.repeat(64), previous: null };

/** One component of each bill: every kind of line, and a file short enough to change each byte of it. */
const park = {
  ...samplePark,
  sourceBills: samplePark.sourceBills.map((bill) => ({ ...bill, lines: bill.lines.slice(0, 1) })),
};

function drafts(): StatementDraft[] {
  const outcome = billPeriod(sampleInput(undefined, { park }));
  if (!outcome.ok) throw new Error(outcome.detail);
  return outcome.statementDrafts;
}
const [, draft] = drafts();
if (draft === undefined) throw new Error('no statement');
const { json } = signStatement(draft, issue, key);

/** Which part of the file each byte lies in, or is the digest of, found by the parts' own text. */
function partAt(): (offset: number) => { kind: string; id: string } | null {
  const { head, lines, registers, digests } = JSON.parse(json) as Statement;
  const entries = [digests.head, ...digests.lines, ...digests.registers].map(canonicalJson);
  const spans = partsOf({ head, lines, registers }).flatMap(({ kind, id, json: text }, index) =>
    [entries[index] ?? '', text].map((piece) => {
      const start = encode(json.slice(0, json.indexOf(piece))).length;
      return { kind, id, start, end: start + encode(piece).length };
    }),
  );
  return (offset) => spans.find(({ start, end }) => start <= offset && offset < end) ?? null;
}

const changed = (at: number, mask: number): Uint8Array<ArrayBuffer> => {
  const bytes = encode(json);
  bytes[at] = (bytes[at] ?? 0) ^ mask;
  return bytes;
};

test('a statement as it was signed is whole, with its own key and with the trusted one', async () => {
  expect(await verifyStatement(encode(json))).toMatchObject({ ok: true });
  expect(await verifyStatement(encode(json), key.publicKey)).toMatchObject({ ok: true });
});

test('every single changed byte is found, and named by the line, register or head it lies in', async () => {
  const where = partAt();
  const masks = [0x01, 0x80, 0x20, 0xff];
  const size = encode(json).length;
  for (let at = 0; at < size; at += 1) {
    const result = await verifyStatement(changed(at, masks[at % masks.length] ?? 1));
    expect(result.ok, `byte ${at}`).toBe(false);
    const part = where(at);
    if (!result.ok && part !== null)
      expect(result.findings[0], `byte ${at}`).toMatchObject({ part: part.kind, id: part.id });
  }
}, 120_000);

test.each([
  ['a byte taken out of a line', (text: string) => text.replace('"pool":"own"', '"pool":"ow"')],
  ['a byte put into a line', (text: string) => text.replace('"pool":"own"', '"pool":"owwn"')],
])('%s names that line alone, though all that follows is shifted', async (_, edit) => {
  const result = await verifyStatement(encode(edit(json)));
  expect(result).toMatchObject({ ok: false, findings: [{ part: 'line' }] });
});

test('a line that was edited and written in another layout is named all the same', async () => {
  const statement = JSON.parse(json) as Statement;
  const [line] = statement.lines;
  if (line === undefined) throw new Error('no line');
  line.net = '0.01';
  const result = await verifyStatement(encode(JSON.stringify(statement, null, 2)));
  expect(result).toMatchObject({ ok: false, findings: [{ part: 'file' }, { part: 'line', id: line.id }] });
});

test.each([
  ['nothing', ''],
  ['a newline after it', `${json}\n`],
  ['a byte order mark before it', `\uFEFF${json}`],
  ['another layout', JSON.stringify(JSON.parse(json), null, 2)],
  ['a repeated key', json.replace('{"digests":', '{"digests":{},"digests":')],
  ['a lone surrogate in it', json.replace('"poolName":"own"', '"poolName":"\\ud800"')],
  ['half of it', json.slice(0, json.length / 2)],
  ['no statement', '{"digests":{}}'],
])('%s is no statement file', async (_, text) => {
  const result = await verifyStatement(encode(text));
  expect(result.ok).toBe(false);
});

test('a statement signed by another key is refused where the trusted key is known', async () => {
  const other = openSigningKey(mkdtempSync(join(dir, 'other-')));
  const result = await verifyStatement(encode(signStatement(draft, issue, other).json), key.publicKey);
  expect(result).toMatchObject({ ok: false, findings: [{ part: 'signature', id: other.keyId }] });
});

describe('a wrong figure is found by recomputation, even where the issuer signed it', () => {
  const resigned = (edit: (draft: StatementDraft) => void, signer: SigningKey = key) => {
    const copy = structuredClone(draft);
    edit(copy);
    return verifyStatement(encode(signStatement(copy, issue, signer).json));
  };
  const first = (copy: StatementDraft, pool: string, utility = 'electricity') => {
    const line = copy.lines.find((one) => one.pool === pool && one.utility === utility);
    if (line === undefined) throw new Error(`no line of ${pool}`);
    return line;
  };
  type Case = [string, (copy: StatementDraft) => void, { part: string; id: string; message: string }];
  const cases: Case[] = [
    [
      'net + tax is not gross',
      (copy) => {
        first(copy, 'own').gross = '0.01';
      },
      { part: 'line', id: 'electricity.energy-peak.own', message: 'net and tax' },
    ],
    [
      'a share two fen too high',
      (copy) => {
        const line = first(copy, 'own');
        line.net = (BigInt(line.net.replace('.', '')) + 2n).toString().replace(/(..)$/, '.$1');
        line.gross = (BigInt(line.gross.replace('.', '')) + 2n).toString().replace(/(..)$/, '.$1');
      },
      { part: 'line', id: 'electricity.energy-peak.own', message: 'net' },
    ],
    [
      'own consumption beyond the registers',
      (copy) => {
        first(copy, 'own').quantity = '99999';
      },
      { part: 'line', id: 'electricity.energy-peak.own', message: 'registers counted' },
    ],
    [
      'a larger part of the pool than area x days give',
      (copy) => {
        first(copy, 'lift').quantity = '99999';
      },
      { part: 'line', id: 'electricity.energy-peak.lift', message: 'share of the pool' },
    ],
    [
      'a pool larger than its registers',
      (copy) => {
        const { basis } = first(copy, 'lift');
        if (basis.kind === 'pool') basis.poolQuantity = '99999';
      },
      { part: 'line', id: 'electricity.energy-peak.lift', message: 'registers counted' },
    ],
    [
      'a tier bound that was not scaled',
      (copy) => {
        const { pricing } = first(copy, 'own', 'water');
        if (pricing.kind === 'tiers') pricing.boundMultiplier = '2';
      },
      { part: 'line', id: 'water.supply.own', message: 'net and tax' },
    ],
    [
      'a division by zero',
      (copy) => {
        const { pricing } = first(copy, 'own');
        if (pricing.kind === 'share') pricing.meteredQuantity = '0';
      },
      { part: 'line', id: 'electricity.energy-peak.own', message: 'division by zero' },
    ],
    [
      'a register whose quantity is not closing - opening',
      (copy) => {
        const [span] = copy.registers;
        if (span !== undefined) span.closing = '9999';
      },
      { part: 'register', id: 'E-A-101@2026-09-15T16:00:00Z', message: 'quantity' },
    ],
    [
      'a total that is not the sum of the lines',
      (copy) => {
        copy.head.net = '0.00';
      },
      { part: 'head', id: '2026-09.L2', message: 'total net' },
    ],
    [
      'a line that stands twice',
      (copy) => {
        copy.lines.push(first(copy, 'own'));
      },
      { part: 'line', id: 'electricity.energy-peak.own', message: 'twice' },
    ],
  ];
  test.each(cases)('%s', async (_, edit, { part, id, message }) => {
    const result = await resigned(edit);
    if (result.ok) throw new Error('not found');
    expect(result.findings).toContainEqual({ part, id, message: expect.stringContaining(message) });
  });
});
