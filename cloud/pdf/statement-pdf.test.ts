import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requirePeer } from '../../process/peers.ts';
import type { Statement } from '../../protocols/statement.ts';
import { billPeriod } from '../billing/bill-period.ts';
import { sampleInput, samplePark } from '../billing/sample-park.ts';
import { meanPrice, moneyText, quantityText } from './figures.ts';
import { statementPdf } from './statement-pdf.ts';

/** L1 leaves in the middle of the month. */
function statement(tenant = '星河茶馆（一期）'): Statement {
  const park = {
    ...samplePark,
    issuer: '海淀科技园物业服务有限公司',
    leases: samplePark.leases.map((lease) => ({ ...lease, tenant })),
  };
  const billed = billPeriod(sampleInput(undefined, { park }));
  if (!billed.ok) throw new Error(billed.detail);
  const [draft] = billed.statementDrafts;
  if (draft === undefined) throw new Error('no statement');
  const issue = { issuedAt: '2026-10-01T02:00:00Z', manifest: 'a'.repeat(64), previous: null };
  const signature = { algorithm: 'Ed25519' as const, keyId: '0123456789abcdef', publicKey: '', value: '' };
  const digests = { head: { id: '', length: 1, sha256: '' }, lines: [], registers: [] };
  return { ...draft, head: { ...draft.head, ...issue }, digests, signature };
}
const url = 'https://bills.example/s/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg';
const print = (one: Statement) => statementPdf({ statement: one, digest: 'd'.repeat(64), url });

test('the same statement gives the same bytes, and no whole font is in them', async () => {
  const [first, second] = [await print(statement()), await print(statement())];
  expect(first.equals(second)).toBe(true);
  expect(first.length).toBeLessThan(120_000);
});

test('a character that the fonts lack is refused by name, never left out', async () => {
  await expect(print(statement('茶馆𠮷'))).rejects.toMatchObject({
    code: 'missing_glyph',
    message: expect.stringContaining('𠮷'),
  });
});

test('a sign that stands for others is written as those where the fonts lack it', async (ctx) => {
  const tool = '/usr/bin/pdftotext';
  requirePeer(ctx, tool);
  const file = await print(statement('高于 26 ℃ 茶馆 ㎥'));
  const text = execFileSync(tool, ['-layout', '-', '-'], { input: file, encoding: 'utf8' });
  expect(text).toContain('高于 26 °C 茶馆 m3');
});

test('what it says can be read again: total, lines, registers, digest, and the handover of a lease that ends', async (ctx) => {
  const tool = '/usr/bin/pdftotext';
  requirePeer(ctx, tool);
  const folder = mkdtempSync(join(tmpdir(), 'meterline-pdf-'));
  try {
    const file = join(folder, 'statement.pdf');
    const one = statement();
    writeFileSync(file, await print(one));
    const text = execFileSync(tool, ['-layout', file, '-'], { encoding: 'utf8' });
    expect(text).toContain('海淀科技园物业服务有限公司');
    expect(text).toContain('星河茶馆（一期）');
    expect(text).toContain(moneyText(one.head.gross));
    for (const line of one.lines) expect(text).toContain(moneyText(line.gross));
    expect(text).toContain('d'.repeat(64));
    expect(text).toContain('表计交接单（退租）');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('figures are printed from exact decimals', () => {
  expect([moneyText('1234567.5'), moneyText('-0.07'), quantityText('1234.005')]).toEqual([
    '¥1,234,567.50',
    '-¥0.07',
    '1,234.01',
  ]);
  expect([meanPrice('96.94', '30.247'), meanPrice('1.00', '0'), meanPrice('-3.21', '49.44')]).toEqual([
    '3.2049',
    '',
    '-0.0649',
  ]);
});
