import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Statement } from '../../protocols/statement.ts';
import { chainOf, type DueStatement, issueStatements } from '../jobs/issue-statements.ts';
import { type SigningKey, signingKey } from '../signing.ts';
import { type IssuedStatement, linkStatements } from './link-statements.ts';
import { samplePark } from './sample-park.ts';

const key: SigningKey = signingKey(
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
);

/** Three leases over four months; `gross` is what the issuer would have it be. */
function issued(gross: (period: string, lease: string) => string = () => '10.00'): IssuedStatement[] {
  const due: DueStatement[] = ['2026-06', '2026-07', '2026-08', '2026-09'].flatMap((period) =>
    ['L1', 'L2', 'L3'].map((lease) => {
      const total = gross(period, lease);
      const head = {
        ...{
          format: 'meterline-statement/1' as const,
          id: `${period}.${lease}`,
          issuer: 'i',
          park: samplePark.id,
        },
        ...{ parkName: 'p', lease, tenant: lease, period, from: `${period}-01`, to: `${period}-28` },
        ...{ timeZone: 'Asia/Shanghai', currency: 'CNY' as const, net: total, tax: '0.00', gross: total },
      };
      return { draft: { head, lines: [], registers: [] }, carried: [], revision: 0, corrects: null };
    }),
  );
  const issue = { issuedAt: '2026-10-01T00:00:00Z', manifest: 'a'.repeat(64), signingKey: key };
  return issueStatements(due, chainOf([]), issue).map(({ json, digest }) => ({
    statement: JSON.parse(json) as Statement,
    digest,
  }));
}
const one = (list: readonly IssuedStatement[], id: string): IssuedStatement => {
  const found = list.find(({ statement }) => statement.head.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};
const pick = (list: readonly IssuedStatement[], ...ids: string[]) => ids.map((id) => one(list, id));

const first = issued();
/** The past issued anew and signed with the same key: in June L1 owes more. */
const rewritten = issued((period, lease) => (period === '2026-06' && lease === 'L1' ? '99.00' : '10.00'));
const digests = first.map(({ digest }) => digest);

test('a whole chain, a part of it, and two of one lease fit, in whatever order they are given', async () => {
  expect(await linkStatements(first.toReversed())).toEqual({ findings: [], unproved: [] });
  expect(await linkStatements(pick(first, '2026-06.L1', '2026-09.L1'))).toEqual({
    findings: [],
    unproved: [],
  });
});

test('what lies between two leases’ statements is proved by the digests, without their figures', async () => {
  const two = pick(first, '2026-06.L1', '2026-08.L3');
  expect(await linkStatements(two)).toEqual({ findings: [], unproved: [['2026-06.L1', '2026-08.L3']] });
  expect(await linkStatements(two, digests)).toEqual({ findings: [], unproved: [] });
});

test.each([
  ['the same statement issued anew', one(first, '2026-06.L1'), one(rewritten, '2026-06.L1')],
  ['a later one of the same lease', one(first, '2026-06.L1'), one(rewritten, '2026-09.L1')],
  ['the next one of another lease', one(first, '2026-06.L1'), one(rewritten, '2026-06.L2')],
])('a chain written anew is found by a statement issued earlier: %s', async (_, kept, given) => {
  expect((await linkStatements([kept, given])).findings).toHaveLength(1);
});

test('a chain written anew is found by any statement whose place is in the list, and by any list', async () => {
  for (const kept of first) {
    const anew = one(rewritten, kept.statement.head.id);
    if (anew.digest === kept.digest) throw new Error('every statement after the change is another');
    expect((await linkStatements([anew], digests)).findings.length).toBeGreaterThan(0);
  }
});

test('a cut tail, a statement taken out and two that changed places are found', async () => {
  const last = pick(first, '2026-09.L3');
  const without = digests.filter((_, index) => index !== 4);
  const swapped = digests.with(3, digests[4] ?? '').with(4, digests[3] ?? '');
  for (const list of [digests.slice(0, -1), without, swapped, []])
    expect((await linkStatements(last, list)).findings.length).toBeGreaterThan(0);
  const [forgotten] = pick(first, '2026-07.L1');
  const amnesiac = structuredClone(one(first, '2026-08.L1'));
  const { chain } = amnesiac.statement.head;
  if (chain !== undefined) chain.own = chain.own.slice(1);
  expect(forgotten === undefined ? [] : (await linkStatements([forgotten, amnesiac])).findings).toMatchObject(
    [{ id: '2026-08.L1', message: 'it does not know 2026-07.L1, which was issued before it' }],
  );
});
