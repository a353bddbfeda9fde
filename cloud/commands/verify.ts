/** `meterline verify`: checks statements offline. Exit codes: 0 all whole and right, 1 not, 2 usage or unreadable file. */
import { readFileSync } from 'node:fs';
import { refuseWords, takeWords } from '../../command-line.ts';
import type { Statement } from '../../protocols/statement.ts';
import { type Verification, verifyStatement } from '../billing/verify-statement.ts';

const USAGE = `Usage: meterline verify STATEMENT.json... [--key PUBLICKEY] [--json]

  --key PUBLICKEY   the issuer's public key (base64, 44 characters), from a source you trust; without it
                    the file's own key is taken, which proves that it is whole, not who signed it
  --json            one JSON document on stdout; of several statements a list`;

const form = { name: 'verify', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const options = { key: { type: 'string' }, json: { type: 'boolean' } } as const;
  const taken = takeWords(args, { ...form, options, words: true });
  if ('exitCode' in taken) return taken.exitCode;
  const { values, positionals } = taken;
  if (positionals.length === 0) return refuseWords(form, 'a statement file is needed');
  if (values.key !== undefined && !/^[A-Za-z0-9+/]{43}=$/.test(values.key))
    return refuse(`meterline verify: --key: "${values.key}" is no public key (base64, 44 characters)`);
  return verifyFiles(positionals, values.key ?? null, values.json ?? false);
}

async function verifyFiles(files: string[], key: string | null, json: boolean): Promise<number> {
  const reports: object[] = [];
  let allRight = true;
  for (const file of files) {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(readFileSync(file));
    } catch (error) {
      return refuse(`${file}: ${(error as Error).message}`);
    }
    const result = await verifyStatement(bytes, key);
    allRight &&= result.ok;
    reports.push(report(file, result));
    if (!json) for (const line of describe(file, result, key !== null)) console.log(line);
  }
  if (json) console.log(JSON.stringify(reports.length === 1 ? reports[0] : reports));
  return allRight ? 0 : 1;
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
  const signer = pinned ? 'the trusted key' : "the file's own key: --key proves who signed";
  return [
    `  statement ${head.id}, issued by ${head.issuer} on ${head.issuedAt}`,
    `  lease ${head.lease}, ${head.tenant}, from ${head.from} to ${head.to} (exclusive)`,
    `  net ${head.net} + tax ${head.tax} = ${head.gross} ${head.currency}`,
    `  ${lines.length} lines and ${registers.length} register spans recomputed`,
    `  signed by ${signature.keyId} (${signer})`,
  ];
}
