/**
 * Whether statements were issued on top of one another. Each names the ones before it: its lease's own by their digests, all of them by
 * a running hash. So who issues the past anew has every statement against him that somebody kept.
 */
import type { Statement } from '../../protocols/statement.ts';
import { encode, sha256 } from './statement-file.ts';

export interface IssuedStatement {
  statement: Statement;
  /** SHA-256 of the file. */
  digest: string;
}
export interface LinkFinding {
  /** Id of the statement that contradicts. */
  id: string;
  message: string;
}
export interface Links {
  findings: LinkFinding[];
  /** Neighbours in the order of issue between which digests are missing, by their ids. */
  unproved: [earlier: string, later: string][];
}

/** As many as a statement names of its lease's own. */
const OWN = 24;
const ORIGIN = '0'.repeat(64);

/** @param digests of all statements in the order of issue, where the reader has them: they prove what lies between */
export async function linkStatements(
  given: readonly IssuedStatement[],
  digests: readonly string[] | null = null,
): Promise<Links> {
  const chained = given
    .flatMap(({ statement, digest }) => {
      const { chain } = statement.head;
      return chain === undefined ? [] : [{ head: statement.head, digest, chain }];
    })
    .sort((a, b) => a.chain.position - b.chain.position);
  const findings: LinkFinding[] = [];
  const unproved: Links['unproved'] = [];
  for (const [index, later] of chained.entries()) {
    for (const earlier of chained.slice(0, index)) {
      const message = contradiction(earlier, later);
      if (message !== null) findings.push({ id: later.head.id, message });
    }
    const before = chained[index - 1];
    if (before === undefined || before.chain.position === later.chain.position) continue;
    if (before.chain.position + 1 === later.chain.position) {
      if ((await extend(before.chain.head, before.digest)) !== later.chain.head)
        findings.push({ id: later.head.id, message: `it was not issued on top of ${before.head.id}` });
    } else if (digests === null && !later.chain.own.some(({ statement }) => statement === before.head.id))
      unproved.push([before.head.id, later.head.id]);
  }
  if (digests !== null) findings.push(...(await againstList(chained, digests)));
  return { findings, unproved };
}

type Chained = Pick<IssuedStatement, 'digest'> & {
  head: Statement['head'];
  chain: NonNullable<Statement['head']['chain']>;
};

const extend = (head: string, digest: string): Promise<string> => sha256(encode(`${head}${digest}`));

/** What two statements alone tell of each other, or null. */
function contradiction(earlier: Chained, later: Chained): string | null {
  if (earlier.digest === later.digest) return null;
  if (earlier.chain.position === later.chain.position)
    return `${earlier.head.id} has the same place (${later.chain.position}): the issuer has issued the past anew`;
  const named = later.chain.own.find(({ statement }) => statement === earlier.head.id);
  if (named !== undefined && named.digest !== earlier.digest)
    return `it names ${earlier.head.id} with another digest: the issuer has issued the past anew`;
  const ownOnly = earlier.head.lease === later.head.lease && earlier.head.park === later.head.park;
  if (ownOnly && named === undefined && later.chain.own.length < OWN)
    return `it does not know ${earlier.head.id}, which was issued before it`;
  return null;
}

async function againstList(chained: readonly Chained[], digests: readonly string[]): Promise<LinkFinding[]> {
  const findings: LinkFinding[] = [];
  let head = ORIGIN;
  let at = 0;
  for (const {
    head: { id },
    digest,
    chain,
  } of chained) {
    for (; at < chain.position; at += 1) head = await extend(head, digests[at] ?? '');
    if (digests[chain.position] !== digest)
      findings.push({ id, message: `the list has another statement at its place (${chain.position})` });
    if (head !== chain.head) findings.push({ id, message: 'it was not issued on top of those in the list' });
  }
  return findings;
}
