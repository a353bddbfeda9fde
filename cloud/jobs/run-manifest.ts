/** All that a run depends on, by digest: the same manifest gives the same charges, on any machine. */
import { type CanonicalValue, canonicalJson } from '../../protocols/canonical-json.ts';
import type { Park } from '../../protocols/park.ts';
import type { CarriedCharge } from '../../protocols/statement.ts';
import type { BillingInput } from '../billing/bill-period.ts';
import type { PostingRules } from '../ledger/posting-rules.ts';
import { digestOf } from './billing-input.ts';

/** Another way of computing is another engine. */
const ENGINE = 'meterline-billing/2';
const ROUNDING = 'once per pool and component, largest remainder, ties to the smallest lease id';

export interface ManifestParts {
  period: string;
  revision: number;
  park: Park;
  parkDigest: string;
  /** Of what the meters gave: see `readingsDigest`. */
  readings: string;
  acceptEstimates: BillingInput['acceptEstimates'];
  rules: PostingRules;
  carried: readonly CarriedCharge[];
}

export interface RunManifest {
  digest: string;
  json: string;
}

export function runManifest(parts: ManifestParts): RunManifest {
  const { period, revision, park, parkDigest, readings, acceptEstimates, rules, carried } = parts;
  const of = (value: unknown): string => digestOf(canonicalJson(value as CanonicalValue));
  const json = canonicalJson({
    format: 'meterline-manifest/2',
    engine: ENGINE,
    rounding: ROUNDING,
    period,
    revision,
    park: {
      digest: parkDigest,
      tree: of([park.meters, park.exchanges]),
      leases: of([park.buildings, park.units, park.leases]),
      tariffs: of(park.tariffs),
      calendars: of(park.tariffs.flatMap((one) => ('calendar' in one ? [one.calendar] : []))),
      rules: of(park.pools),
      sourceBills: of(park.sourceBills),
    },
    readings,
    acceptEstimates,
    postingRules: of(rules),
    carried: of(carried),
  });
  return { digest: digestOf(json), json };
}
