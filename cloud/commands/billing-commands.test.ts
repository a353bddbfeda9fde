import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { billPeriod } from '../billing/bill-period.ts';
import { sampleInput, samplePark } from '../billing/sample-park.ts';
import { openSigningKey, SigningKeyError, signingKey, signStatement, statementToken } from '../signing.ts';
import { openStore } from '../store/store.ts';
import { run as bill } from './bill.ts';
import { run as golden } from './golden.ts';
import { run as verify } from './verify.ts';

let dir: string;
let out: string[];
let err: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'meterline-commands-'));
  out = [];
  err = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

function statement(): { json: string; publicKey: string } {
  const outcome = billPeriod(sampleInput());
  const [draft] = outcome.ok ? outcome.statementDrafts : [];
  if (draft === undefined) throw new Error('no statement');
  const key = openSigningKey(dir);
  const issue = { issuedAt: '2026-10-01T00:00:00Z', manifest: '0'.repeat(64), previous: null };
  return { json: signStatement(draft, issue, key).json, publicKey: key.publicKey };
}
const file = (content: string | Buffer): string => {
  const path = join(dir, 'statement.json');
  writeFileSync(path, content);
  return path;
};

describe('meterline verify', () => {
  test('of several statements, one that is not right is enough to answer no', async () => {
    const { json } = statement();
    expect(await verify([file(json), file(json)])).toBe(0);
    expect(await verify([file(json), file(json.replace(/"gross":"\d/, '"gross":"x'))])).toBe(1);
  });

  test('a whole statement is told with who, when and how much, and exits 0', async () => {
    const { json, publicKey } = statement();
    expect(await verify([file(json)])).toBe(0);
    expect(out.join('\n')).toMatch(/whole and right[\s\S]*lease L1, Bakery, from 2026-09-01 to 2026-09-16/);
    expect(await verify([file(json), '--key', publicKey, '--json'])).toBe(0);
    expect(JSON.parse(out.at(-1) ?? '')).toMatchObject({ ok: true, statement: '2026-09.L1', findings: [] });
  });

  test('one changed byte in a line names that line, and exits 1', async () => {
    const bytes = Buffer.from(statement().json);
    const at = bytes.lastIndexOf('"id":"electricity.energy-flat.lift"') + 2;
    bytes[at] = (bytes[at] ?? 0) ^ 0x80;
    const path = file(bytes);
    expect(await verify([path])).toBe(1);
    expect(out).toEqual([
      `${path}: NOT RIGHT`,
      '  line electricity.energy-flat.lift: its bytes, or their digest, are not those that were signed',
    ]);
    expect(await verify([path, '--json'])).toBe(1);
    expect(JSON.parse(out.at(-1) ?? '')).toMatchObject({
      ok: false,
      findings: [{ part: 'line', id: 'electricity.energy-flat.lift' }],
    });
  });

  test('a statement of another issuer exits 1 where the key is given', async () => {
    const { json } = statement();
    const other = openSigningKey(mkdtempSync(join(dir, 'other-'))).publicKey;
    expect(await verify([file(json), '--key', other])).toBe(1);
    expect(out.join('\n')).toContain('signature');
  });

  test.each([
    ['no file', []],
    ['a file that is not there', ['/nonexistent/statement.json']],
    ['a key that is none', ['--key', 'abc', 'statement.json']],
    ['an unknown option', ['--frob', 'statement.json']],
  ])('%s is refused with exit 2', async (_, args) => {
    expect(await verify(args)).toBe(2);
    expect(err.length).toBeGreaterThan(0);
    expect(out).toEqual([]);
  });
});

describe('meterline golden', () => {
  const thirds = {
    id: 'own',
    kind: 'largest-remainder',
    title: '',
    source: '',
    inputs: { total: '1', decimals: 0, participants: [{ id: 'a', weight: '1' }] },
    expected: { shares: { a: '1' } },
    tolerance: '0',
  };
  const folder = (content: unknown): string => {
    writeFileSync(join(dir, 'cases.json'), typeof content === 'string' ? content : JSON.stringify(content));
    return dir;
  };

  test('the shipped cases all pass', async () => {
    expect(await golden([new URL('../billing/cases', import.meta.url).pathname])).toBe(0);
    expect(out.at(-1)).toMatch(/^\d+ passed, 0 failed, 0 unsupported$/);
  });

  test.each([
    ['all right', [thirds], 0, { passed: 1, failed: 0, unsupported: 0 }],
    [
      'one wrong',
      [thirds, { ...thirds, expected: { shares: { a: '2' } } }],
      1,
      { passed: 1, failed: 1, unsupported: 0 },
    ],
    ['an unknown kind', [{ ...thirds, kind: 'moon-phase' }], 1, { passed: 0, failed: 0, unsupported: 1 }],
    ['no case', [], 1, { passed: 0, failed: 0, unsupported: 0 }],
  ])('%s', async (_, cases, code, counts) => {
    expect(await golden([folder(cases), '--json'])).toBe(code);
    const report = JSON.parse(out[0] ?? '');
    expect(report).toMatchObject(counts);
    expect(report.cases).toHaveLength(cases.length);
  });

  test.each([
    ['no JSON', '[{'],
    ['no cases', { id: 'own' }],
    ['a tolerance that is a float', [{ ...thirds, tolerance: 0.1 }]],
  ])('a file with %s is refused with exit 2, by name', async (_, content) => {
    expect(await golden([folder(content)])).toBe(2);
    expect(err.join()).toContain('cases.json');
  });
});

describe('meterline bill', () => {
  test.each([
    ['no period', ['--data', '.']],
    ['no data directory', ['--period', '2026-09']],
    ['a directory without a store', ['--period', '2026-09', '--data', '/nonexistent']],
    [
      'estimates signed for without a reason',
      ['--period', '2026-09', '--data', '.', '--accept-estimates', ' '],
    ],
  ])('%s is refused with exit 2', async (_, args) => {
    expect(await bill(args)).toBe(2);
  });

  test('a period that cannot be billed says why, and exits 1', async () => {
    const store = await openStore({ file: join(dir, 'meterline.db') });
    await store.putPark({
      digest: 'd',
      importedAt: '2026-09-01T00:00:00Z',
      document: JSON.stringify(samplePark),
    });
    await store.close();
    expect(await bill(['--period', '2026-09', '--data', dir])).toBe(1);
    expect(out).toEqual([expect.stringContaining('not billed: missing_quantity')]);
    expect(await bill(['--period', '2026-07', '--data', dir, '--json', '--dry-run'])).toBe(1);
    expect(JSON.parse(out.at(-1) ?? '')).toMatchObject({ ok: false, code: 'source_bill_missing' });
  });

  test('a store without a park is refused with exit 2', async () => {
    await (await openStore({ file: join(dir, 'meterline.db') })).close();
    expect(await bill(['--period', '2026-09', '--data', dir])).toBe(2);
  });
});

describe('the signing key', () => {
  test('is made once, for its owner alone, and found again', () => {
    const first = openSigningKey(dir);
    expect(statSync(join(dir, 'statement-signing-key.pem')).mode & 0o777).toBe(0o600);
    expect(openSigningKey(dir).keyId).toBe(first.keyId);
  });

  test.each([
    ['nonsense', 'nonsense'],
    [
      'a key of another kind',
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq\n-----END PRIVATE KEY-----\n',
    ],
  ])('%s is refused', (_, pem) => {
    expect(() => signingKey(pem)).toThrow(SigningKeyError);
  });

  test('gives each statement a token that another key does not give', () => {
    const key = openSigningKey(dir);
    const other = openSigningKey(mkdtempSync(join(dir, 'other-')));
    const tokens = [statementToken(key, 'a'), statementToken(key, 'b'), statementToken(other, 'a')];
    expect(new Set(tokens).size).toBe(3);
    expect(statementToken(key, 'a')).toBe(tokens[0]);
    expect(tokens[0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});
