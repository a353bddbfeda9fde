/** Drafts into signed statements: what they carry from earlier periods, which they take the place of, and their links of the chain. */
import type {
  CarriedCharge,
  StatementChain,
  StatementCorrection,
  StatementHead,
} from '../../protocols/statement.ts';
import { formatMinor, minor } from '../../protocols/units.ts';
import type { StatementDraft } from '../billing/statement-draft.ts';
import { type SigningKey, signStatement, statementToken, tokenHash } from '../signing.ts';
import type { NewStatement } from '../store/port/billing.ts';
import { digestOf } from './billing-input.ts';

/** Before the first statement. */
const ORIGIN = '0'.repeat(64);
const OWN_REMEMBERED = 24;

/** The running hash over statements issued, and each lease's own: see `StatementChain`. */
export interface Chain {
  position: number;
  head: string;
  previous: string | null;
  own: Map<string, { statement: string; digest: string }[]>;
}

export const chainHead = (head: string, digest: string): string => digestOf(`${head}${digest}`);

export function chainOf(issued: readonly { id: string; lease: string; digest: string }[]): Chain {
  const chain: Chain = { position: 0, head: ORIGIN, previous: null, own: new Map() };
  for (const statement of issued) extend(chain, statement);
  return chain;
}

function extend(chain: Chain, { id, lease, digest }: { id: string; lease: string; digest: string }): void {
  chain.position += 1;
  chain.head = chainHead(chain.head, digest);
  chain.previous = digest;
  const own = chain.own.get(lease) ?? [];
  chain.own.set(lease, [{ statement: id, digest }, ...own].slice(0, OWN_REMEMBERED));
}

/** A draft, and what only the ledger knows of it. */
export interface DueStatement {
  draft: StatementDraft;
  carried: CarriedCharge[];
  /** Of a statement that takes the place of another one: 1, 2, ... */
  revision: number;
  corrects: StatementCorrection | null;
}
export interface Issuing {
  issuedAt: string;
  /** Digest of the run's manifest. */
  manifest: string;
  signingKey: SigningKey;
}

export const revisedId = (id: string, revision: number): string =>
  revision === 0 ? id : `${id}.r${revision}`;

/** Each names the one before it; the order of `due` is the order of issue. */
export function issueStatements(
  due: readonly DueStatement[],
  chain: Chain,
  { issuedAt, manifest, signingKey }: Issuing,
): NewStatement[] {
  return due.map((one) => {
    const { lease } = one.draft.head;
    const link: StatementChain = {
      position: chain.position,
      head: chain.head,
      own: chain.own.get(lease) ?? [],
    };
    const draft = headed(one);
    const issue: Pick<StatementHead, 'issuedAt' | 'manifest' | 'previous' | 'chain'> = {
      issuedAt,
      manifest,
      previous: chain.previous,
      chain: link,
    };
    const { json, digest } = signStatement(draft, issue, signingKey);
    const { id, tenant, period, from, to, gross } = draft.head;
    extend(chain, { id, lease, digest });
    return {
      ...{ id, lease, tenant, period, from, to, gross, json, digest },
      tokenHash: tokenHash(statementToken(signingKey, id)),
      corrects: one.corrects?.statement ?? null,
    };
  });
}

/** Totals with what is carried. */
export function headed({ draft, carried, revision, corrects }: DueStatement): StatementDraft {
  const total = (what: 'net' | 'tax' | 'gross'): string =>
    formatMinor(carried.reduce((sum, one) => sum + minor(one[what]), minor(draft.head[what]) as bigint));
  return {
    ...draft,
    head: {
      ...draft.head,
      id: revisedId(draft.head.id, revision),
      net: total('net'),
      tax: total('tax'),
      gross: total('gross'),
      ...(carried.length > 0 && { carried }),
      ...(revision > 0 && { revision }),
      ...(corrects !== null && { corrects }),
    },
  };
}
