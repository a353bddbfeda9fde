/** `meterline what-if`: a period by another park document, lease by lease. Exit codes: 0 compared, 1 refused, 2 usage or bad file, 3 fault. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { Park } from '../../protocols/park.ts';
import { formatMinor } from '../../protocols/units.ts';
import type { LeaseDifference, WhatIf } from '../billing/what-if.ts';
import { whatIfPark } from '../jobs/what-if-park.ts';
import { readPark } from '../read-park.ts';
import { openStore } from '../store/store.ts';

const USAGE = `Usage: meterline what-if --period 2026-09 --data DIR --park FILE [--json]

  --period MONTH   a billing period, past or open
  --data DIR       the service's data directory
  --park FILE      the park document as it might be: another rule, tariff, area
  --json           one JSON document on stdout

Nothing is issued and nothing is stored.`;

const options = {
  period: { type: 'string' },
  data: { type: 'string' },
  park: { type: 'string' },
  json: { type: 'boolean' },
} as const;
const form = { name: 'what-if', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { period, data, park, json = false } = taken.values;
  if (period === undefined || data === undefined || park === undefined)
    return refuseWords(form, '--period, --data and --park are needed');
  const file = join(data, 'meterline.db');
  if (!existsSync(file)) return refuse(`${file}: there is no store`);
  const other = readPark(park);
  if (!other.ok) return refuse(...other.problems);
  try {
    const compared = await compare(file, period, other.park);
    if (compared === null) return refuse(`${file}: no park document was imported`);
    if (json) console.log(JSON.stringify(shown(compared)));
    else for (const line of describe(compared, period)) console.log(line);
    return compared.ok ? 0 : 1;
  } catch (error) {
    console.error(`meterline what-if: ${(error as Error).message}`);
    return 3;
  }
}

function refuse(...lines: string[]): number {
  for (const line of lines) console.error(line);
  return 2;
}

/** Null where the store has no park document. */
async function compare(file: string, period: string, other: Park): Promise<WhatIf | null> {
  const store = await openStore({ file });
  try {
    const version = await store.currentPark();
    if (version === null) return null;
    const current = Park.parse(JSON.parse(version.document));
    return await whatIfPark(store, { period, current, other });
  } finally {
    await store.close();
  }
}

const texts = ({ lease, tenant, before, after, difference, lines }: LeaseDifference) => ({
  lease,
  tenant,
  before: formatMinor(before),
  after: formatMinor(after),
  difference: formatMinor(difference),
  lines: lines.map((line) => ({ ...line, before: formatMinor(line.before), after: formatMinor(line.after) })),
});

const shown = (compared: WhatIf): object =>
  compared.ok
    ? {
        ok: true,
        leases: compared.leases.map(texts),
        landlord: texts(compared.landlord),
        bills: formatMinor(compared.bills),
        warnings: compared.warnings,
      }
    : compared;

function describe(compared: WhatIf, period: string): string[] {
  if (!compared.ok)
    return [
      `${compared.of === 'after' ? 'as it might be' : 'as it is'}: ${compared.code}: ${compared.detail}`,
    ];
  const signed = (amount: bigint): string => `${amount > 0n ? '+' : ''}${formatMinor(amount)}`;
  const row = (name: string, { before, after, difference }: LeaseDifference): string =>
    `  ${signed(difference).padStart(12)}  ${formatMinor(before).padStart(12)} -> ${formatMinor(after).padStart(12)}  ${name}`;
  return [
    `${period}: the bills differ by ${signed(compared.bills)}, the differences below add up to that`,
    ...compared.leases.map((one) => row(`${one.lease}  ${one.tenant}`, one)),
    row('landlord', compared.landlord),
    ...compared.warnings.map((warning) => `  warning: ${warning}`),
  ];
}
