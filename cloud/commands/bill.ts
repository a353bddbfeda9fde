/** `meterline bill`: closes a billing period. Exit codes: 0 issued or proved, 1 it cannot be billed as it stands, 2 usage, 3 fault. */
import { userInfo } from 'node:os';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { Park } from '../../protocols/park.ts';
import { systemClock } from '../clock.ts';
import { recordSigningKey } from '../issuer-keys.ts';
import { billingJobs } from '../jobs/billing-jobs.ts';
import { type ClosedPeriod, closePeriod } from '../jobs/close-period.ts';
import { openSigningKey } from '../signing.ts';
import { openStore, type StorePlace } from '../store/store.ts';
import { findInstallation } from './installation.ts';

const USAGE = `Usage: meterline bill --period 2026-09 (--data DIR | --config cloud.yaml) [--dry-run] [--json] [--accept-estimates "reason"]

  --period MONTH               the billing period
  --data DIR                   the service's data directory, whose file is the store
  --config FILE                the service's configuration, where the store is a server
  --dry-run                    compute and prove, issue nothing
  --accept-estimates REASON    sign for estimated intervals, in the name of the user who runs this
  --json                       one JSON document on stdout`;

const options = {
  period: { type: 'string' },
  data: { type: 'string' },
  config: { type: 'string' },
  'dry-run': { type: 'boolean' },
  'accept-estimates': { type: 'string' },
  json: { type: 'boolean' },
} as const;

const form = { name: 'bill', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  const { period, data, config, 'accept-estimates': reason } = values;
  if (period === undefined || (data === undefined) === (config === undefined))
    return refuseWords(form, '--period and either --data or --config are needed');
  if (reason?.trim() === '') return refuse('meterline bill: --accept-estimates needs a reason');
  const found = findInstallation({ data, config });
  if (!found.ok) return refuse(...found.problems);
  try {
    const closed = await close({
      ...found,
      period,
      dryRun: values['dry-run'] ?? false,
      reason: reason ?? null,
    });
    if (closed === null) return refuse(`${config ?? data}: no park document was imported`);
    if (values.json) console.log(JSON.stringify(closed.ok ? closed.run : closed));
    else for (const line of describe(closed)) console.log(line);
    return closed.ok ? 0 : 1;
  } catch (error) {
    console.error(`meterline bill: ${(error as Error).message}`);
    return 3;
  }
}

function refuse(...lines: string[]): number {
  for (const line of lines) console.error(line);
  return 2;
}

/** Null where the store has no park document. */
async function close(request: {
  dataDir: string;
  place: StorePlace;
  period: string;
  dryRun: boolean;
  reason: string | null;
}): Promise<ClosedPeriod | null> {
  const { dataDir, place, period, dryRun, reason } = request;
  const store = await openStore(place);
  try {
    const version = await store.currentPark();
    if (version === null) return null;
    const wallClock = systemClock();
    const { username } = userInfo();
    const acceptEstimates = reason === null ? null : { by: username, reason };
    const common = {
      ...{ store, park: Park.parse(JSON.parse(version.document)), parkDigest: version.digest },
      ...{ intervalMinutes: 15, signingKey: openSigningKey(dataDir) },
    };
    const issuedAt = Temporal.Now.instant().round('second').toString();
    if (dryRun) return await closePeriod({ ...common, period, issuedAt, acceptEstimates, dryRun });
    await recordSigningKey(store, common.signingKey, issuedAt);
    const clock = { nowMs: () => Temporal.Instant.from(issuedAt).epochMilliseconds };
    const billing = billingJobs({ ...common, clock, wallClock, signingKey: () => common.signingKey });
    return await billing.closePeriod({
      ...{ period, actor: `user:${username}` },
      ...(acceptEstimates !== null && { acceptEstimates }),
    });
  } finally {
    await store.close();
  }
}

function describe(closed: ClosedPeriod): string[] {
  if (!closed.ok) return [`not billed: ${closed.code}: ${closed.detail}`];
  const { run: result, already, statements, warnings } = closed;
  const width = Math.max(0, ...statements.map(({ gross }) => gross.length));
  return [
    `${result.period}: ${result.state}${already ? ' before' : ''}, manifest ${result.manifest.slice(0, 16)}`,
    ...result.utilities.map(
      ({ utility, currency, source, tenants, landlord, conserved }) =>
        `  ${utility}: bill ${source} = tenants ${tenants} + landlord ${landlord} ${currency}${conserved ? '' : '  NOT CONSERVED'}`,
    ),
    `  ${result.charges} charges, ledger ${result.ledgerTotal}, ${result.estimatedIntervals} estimated intervals`,
    ...statements.map(({ id, tenant, gross }) => `  ${gross.padStart(width)}  ${id}  ${tenant}`),
    ...warnings.map((warning) => `  warning: ${warning}`),
  ];
}
