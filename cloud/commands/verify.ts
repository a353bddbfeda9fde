/** `meterline verify`: checks statements offline, and a store. Exit codes: 0 all whole and right, 1 not, 2 usage or unreadable file, 3 fault. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { ChainDigests, IssuerKeys } from '../../protocols/billing-api.ts';
import type { Statement } from '../../protocols/statement.ts';
import { type Links, linkStatements } from '../billing/link-statements.ts';
import { type Verification, verifyStatement } from '../billing/verify-statement.ts';
import { trustedKeys } from '../issuer-keys.ts';
import { auditStore } from '../jobs/audit-store.ts';
import { findingText, knownKeys } from '../jobs/check-books.ts';
import { reconcileBooks } from '../jobs/reconcile-books.ts';
import { openSigningKey } from '../signing.ts';
import { openStore } from '../store/store.ts';

const USAGE = `Usage: meterline verify STATEMENT.json... [--key PUBLICKEY] [--keys FILE] [--chain FILE] [--json]
       meterline verify --store DIR [--json]

  --key PUBLICKEY   the issuer's public key (base64, 44 characters), from a source you trust; without it
                    the file's own key is taken, which proves that it is whole, not who signed it
  --keys FILE       the issuer's keys, as the service gives them at /.well-known/meterline-issuer.json; with --key
                    those that follow from that key by the vouchers of its successors and predecessors
  --chain FILE      the digests of all statements, as at /api/v1/statement-chain: proves that these were issued on
                    top of one another; several statements are held against each other without it, too
  --store DIR       the service's data directory: every billing row against its seal, bills against outbox and ledger
  --json            one JSON document on stdout; of several statements a list`;

const form = { name: 'verify', usage: USAGE };
const options = {
  key: { type: 'string' },
  keys: { type: 'string' },
  chain: { type: 'string' },
  store: { type: 'string' },
  json: { type: 'boolean' },
} as const;

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options, words: true });
  if ('exitCode' in taken) return taken.exitCode;
  const { values, positionals } = taken;
  if (values.store !== undefined) {
    if (positionals.length > 0) return refuseWords(form, '--store stands without statements');
    return verifyStore(values.store, values.json ?? false);
  }
  if (positionals.length === 0) return refuseWords(form, 'a statement file is needed');
  if (values.key !== undefined && !/^[A-Za-z0-9+/]{43}=$/.test(values.key))
    return refuse(`meterline verify: --key: "${values.key}" is no public key (base64, 44 characters)`);
  try {
    const keys = values.keys === undefined ? null : IssuerKeys.parse(fromFile(values.keys));
    const chain = values.chain === undefined ? null : ChainDigests.parse(fromFile(values.chain)).digests;
    const trusted = keys === null ? null : trustedKeys(keys, values.key ?? null);
    return await verifyFiles(positionals, {
      key: values.key ?? null,
      trusted,
      chain,
      json: values.json ?? false,
    });
  } catch (error) {
    return refuse(`meterline verify: ${(error as Error).message}`);
  }
}

/** @throws Error naming the file */
function fromFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`${file}: ${(cause as Error).message}`, { cause });
  }
}

interface Asked {
  /** The one trusted key; null: none, or any of `trusted`. */
  key: string | null;
  /** By id. */
  trusted: ReadonlyMap<string, string> | null;
  chain: readonly string[] | null;
  json: boolean;
}

async function verifyFiles(files: string[], asked: Asked): Promise<number> {
  const results: { file: string; digest: string; result: Verification }[] = [];
  for (const file of files) {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(readFileSync(file));
    } catch (error) {
      return refuse(`${file}: ${(error as Error).message}`);
    }
    const digest = createHash('sha256').update(bytes).digest('hex');
    results.push({ file, digest, result: await verifyOne(bytes, asked) });
  }
  const whole = results.flatMap(({ result, digest }) =>
    result.ok ? [{ statement: result.statement, digest }] : [],
  );
  const links = await linkStatements(whole, asked.chain);
  for (const one of results) one.result = withLinks(one.result, links);
  const reports = results.map(({ file, result }) => report(file, result));
  if (asked.json) console.log(JSON.stringify(reports.length === 1 ? reports[0] : reports));
  else {
    const pinned = asked.key !== null || asked.trusted !== null;
    for (const { file, result } of results)
      for (const line of describe(file, result, pinned)) console.log(line);
    for (const line of describeLinks(links, whole.length)) console.log(line);
  }
  return results.every(({ result }) => result.ok) ? 0 : 1;
}

async function verifyOne(bytes: Uint8Array<ArrayBuffer>, { key, trusted }: Asked): Promise<Verification> {
  if (trusted === null) return verifyStatement(bytes, key);
  const result = await verifyStatement(bytes);
  if (!result.ok) return result;
  const { keyId, publicKey } = result.statement.signature;
  if (trusted.get(keyId) === publicKey) return result;
  const message = "signed by a key that is not among the issuer's";
  return { ok: false, findings: [{ part: 'signature', id: keyId, message }] };
}

function withLinks(result: Verification, { findings }: Links): Verification {
  if (!result.ok) return result;
  const own = findings.filter(({ id }) => id === result.statement.head.id);
  if (own.length === 0) return result;
  return { ok: false, findings: own.map(({ id, message }) => ({ part: 'head', id, message })) };
}

function refuse(...lines: string[]): number {
  for (const line of lines) console.error(line);
  return 2;
}

const report = (file: string, result: Verification): object =>
  result.ok
    ? {
        ok: true,
        file,
        statement: result.statement.head.id,
        keyId: result.statement.signature.keyId,
        findings: [],
      }
    : { ok: false, file, statement: null, keyId: null, findings: result.findings };

function describe(file: string, result: Verification, pinned: boolean): string[] {
  if (result.ok) return [`${file}: whole and right`, ...summary(result.statement, pinned)];
  return [
    `${file}: NOT RIGHT`,
    ...result.findings.map(({ part, id, message }) => `  ${part} ${id}: ${message}`),
  ];
}

function summary({ head, lines, registers, signature }: Statement, pinned: boolean): string[] {
  const signer = pinned ? 'a trusted key' : "the file's own key: --key proves who signed";
  const place =
    head.chain === undefined ? [] : [`  number ${head.chain.position + 1} of the issuer's statements`];
  const corrects =
    head.corrects === undefined
      ? []
      : [`  takes the place of ${head.corrects.statement} (${head.corrects.gross}): ${head.corrects.cause}`];
  return [
    `  statement ${head.id}, issued by ${head.issuer} on ${head.issuedAt}`,
    `  lease ${head.lease}, ${head.tenant}, from ${head.from} to ${head.to} (exclusive)`,
    `  net ${head.net} + tax ${head.tax} = ${head.gross} ${head.currency}`,
    `  ${lines.length} lines and ${registers.length} register spans recomputed`,
    `  signed by ${signature.keyId} (${signer})`,
    ...place,
    ...corrects,
  ];
}

function describeLinks({ findings, unproved }: Links, statements: number): string[] {
  if (statements < 2 || findings.length > 0) return [];
  if (unproved.length === 0) return [`these ${statements} statements were issued on top of one another`];
  const [first] = unproved;
  return [
    `between ${first?.[0]} and ${first?.[1]} others were issued: --chain FILE proves what lies between (${unproved.length} such places)`,
  ];
}

async function verifyStore(dir: string, json: boolean): Promise<number> {
  const file = join(dir, 'meterline.db');
  if (!existsSync(file)) return refuse(`${file}: there is no store`);
  try {
    const store = await openStore({ file });
    try {
      const audit = await auditStore(store, await knownKeys(store, openSigningKey(dir)));
      const books = await reconcileBooks(store);
      const ok = audit.findings.length === 0 && books.agrees;
      if (json) console.log(JSON.stringify({ ok, ...audit, books }));
      else {
        for (const finding of audit.findings) console.log(findingText(finding));
        for (const { key, detail } of books.differences) console.log(`${key}: ${detail}`);
        console.log(
          `${audit.runs} runs, ${audit.charges} charges, ${audit.statements} statements: ${ok ? 'as they were sealed' : 'NOT RIGHT'}`,
        );
        console.log(
          `bills ${books.bills}, outbox ${books.outbox}, ledger ${books.ledger}, all accounts ${books.allAccounts}`,
        );
      }
      return ok ? 0 : 1;
    } finally {
      await store.close();
    }
  } catch (error) {
    console.error(`meterline verify: ${(error as Error).message}`);
    return 3;
  }
}
