/** `meterline explain`: one charge, down to the registers. Exit codes: 0 explained, 1 there is no such charge, 2 usage, 3 fault. */
import { refuseWords, takeWords } from '../../process/command-line.ts';
import type { Charge } from '../../protocols/api.ts';
import type { RegisterSpan, Statement, StatementLine } from '../../protocols/statement.ts';
import { formatMinor } from '../../protocols/units.ts';
import type { EntryRow } from '../store/port/billing.ts';
import { openStore, type Store } from '../store/store.ts';
import { findInstallation } from './installation.ts';

const USAGE = `Usage: meterline explain CHARGE (--data DIR | --config cloud.yaml) [--json]

  CHARGE          the key of a charge, such as "L1|water|supply|own|2026-09|0"
  --data DIR      the service's data directory, whose file is the store
  --config FILE   the service's configuration, where the store is a server
  --json          one JSON document on stdout`;

const options = {
  data: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const form = { name: 'explain', usage: USAGE };

interface Explanation {
  charge: Charge;
  /** What came of it: reversals, rebills, adjustments and credits that name it, and what it names itself. */
  related: Charge[];
  statement: { id: string; digest: string; tenant: string } | null;
  /** The line that it is on; null for the landlord, and for what a statement carries beside its lines. */
  line: StatementLine | null;
  registers: RegisterSpan[];
  entry: { id: string; description: string; postings: { account: string; amount: string }[] } | null;
  manifest: unknown;
}

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options, words: true });
  if ('exitCode' in taken) return taken.exitCode;
  const { values, positionals } = taken;
  const [key] = positionals;
  if (
    key === undefined ||
    positionals.length > 1 ||
    (values.data === undefined) === (values.config === undefined)
  )
    return refuseWords(form, 'one charge and either --data or --config are needed');
  const found = findInstallation(values);
  if (!found.ok) {
    for (const problem of found.problems) console.error(problem);
    return 2;
  }
  try {
    const store = await openStore(found.place);
    try {
      const explained = await explain(store, key);
      if (explained === null) {
        console.error(`meterline explain: there is no charge "${key}": GET /api/v1/charges lists them`);
        return 1;
      }
      if (values.json) console.log(JSON.stringify(explained));
      else for (const line of describe(explained)) console.log(line);
      return 0;
    } finally {
      await store.close();
    }
  } catch (error) {
    console.error(`meterline explain: ${(error as Error).message}`);
    return 3;
  }
}

async function explain(store: Store, key: string): Promise<Explanation | null> {
  const row = await store.charge(key);
  if (row === null) return null;
  const { position: _, ...charge } = row;
  const document = charge.statement === null ? null : await store.statement(charge.statement);
  const statement = document === null ? null : (JSON.parse(document.json) as Statement);
  const line = statement?.lines.find(
    (one) => one.utility === charge.utility && one.component === charge.component && one.pool === charge.pool,
  );
  const meters = new Set(line?.basis.meters ?? []);
  const entries = await store.entriesOfRun(charge);
  const run = (await store.billingRuns()).find(
    ({ period, revision }) => period === charge.period && revision === charge.revision,
  );
  const all = await store.chargesForService(charge.servicePeriod);
  return {
    charge,
    related: all
      .filter((one) => one.corrects === key || one.key === charge.corrects)
      .map(({ position: __, ...one }) => one),
    statement: document && { id: document.id, digest: document.digest, tenant: document.tenant },
    line: charge.kind === 'charge' || charge.kind === 'rebill' ? (line ?? null) : null,
    registers: statement?.registers.filter(({ meter }) => meters.has(meter)) ?? [],
    entry: entryOf(entries.find(({ chargeKey }) => chargeKey === key)),
    manifest: run === undefined ? null : (JSON.parse(run.manifestJson) as unknown),
  };
}

const entryOf = (entry: EntryRow | undefined): Explanation['entry'] =>
  entry === undefined
    ? null
    : {
        id: entry.id,
        description: entry.description,
        postings: entry.postings.map(({ account, amountMinor }) => ({
          account,
          amount: formatMinor(amountMinor),
        })),
      };

function describe({ charge, related, statement, line, registers, entry }: Explanation): string[] {
  const { key, kind, quantity, unit, net, tax, gross, currency, name, poolName, postedAt } = charge;
  return [
    `${key}: ${kind}, posted ${postedAt}`,
    `  ${name} (${poolName}): ${quantity} ${unit}, net ${net} + tax ${tax} = ${gross} ${currency}`,
    statement === null ? '  borne by the landlord' : `  on statement ${statement.id} of ${statement.tenant}`,
    ...(line === null ? [] : lineText(line)),
    ...registers.map(
      ({ meter, serial, opening, closing, multiplier, quantity: counted, unit: of }) =>
        `  meter ${meter} (${serial}): ${opening} -> ${closing} x ${multiplier} = ${counted} ${of}`,
    ),
    ...(entry === null
      ? []
      : entry.postings.map(({ account, amount }) => `  ${amount.padStart(14)}  ${account}`)),
    ...related.map((one) => `  ${one.kind} ${one.key}: ${one.gross}`),
  ];
}

function lineText({ basis, pricing, quantity, unit }: StatementLine): string[] {
  const from = basisText(basis);
  const price =
    pricing.kind === 'share'
      ? `${pricing.sourceBill}: (${pricing.sourceNet} + ${pricing.sourceTax}) x ${quantity} / ${pricing.meteredQuantity}`
      : `tariff ${pricing.tariff}`;
  return [`  quantity: ${from} = ${quantity} ${unit}`, `  amount: ${price}`];
}

function basisText(basis: StatementLine['basis']): string {
  switch (basis.kind) {
    case 'own':
      return basis.meters.join(' + ');
    case 'pool':
      return `${basis.rule}: ${basis.poolQuantity} x ${basis.weight} / ${basis.totalWeight}`;
    case 'rule':
      return basis.streams
        .map(({ quantity, path }) =>
          [quantity, ...path.map((hop) => `x ${hop.share} (${hop.pool}, ${hop.rule} v${hop.version})`)].join(
            ' ',
          ),
        )
        .join(' + ');
  }
}
