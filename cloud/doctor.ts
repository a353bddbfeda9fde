/** What is wrong with the cloud's part of an installation: its park document and its database. */
import { existsSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Finding } from '../protocols/finding.ts';
import { Park } from '../protocols/park.ts';
import { checkYaml } from '../protocols/yaml-document.ts';
import { checkPark } from './check-park.ts';
import type { CloudConfig, CloudSecrets } from './config.ts';
import { storePlace } from './store-place.ts';

export async function examineCloud(
  config: CloudConfig,
  secrets: Pick<CloudSecrets, 'postgresPassword'>,
): Promise<Finding[]> {
  return [examinePark(config.park), await examineStore(config, secrets)];
}

async function examineStore(
  config: CloudConfig,
  secrets: Pick<CloudSecrets, 'postgresPassword'>,
): Promise<Finding> {
  try {
    const place = storePlace(config, secrets);
    if ('file' in place) return examineDatabase(place.file);
    const { examineServer } = await import('./store/postgres/examine.ts');
    return await examineServer(place.postgres);
  } catch (error) {
    const { message } = error as Error;
    return {
      check: 'database',
      state: 'wrong',
      detail: message,
      next: 'correct `store` in the configuration',
    };
  }
}

export function examinePark(file: string): Finding {
  const check = 'park document';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return {
      check,
      state: 'wrong',
      detail: (error as Error).message,
      next: 'correct `park` in the configuration',
    };
  }
  const checked = checkYaml(Park, text, file);
  const problems = checked.ok
    ? checkPark(checked.value).map((problem) => `${file}: ${problem}`)
    : checked.errors;
  const [first, ...more] = problems;
  if (first !== undefined) {
    const detail = more.length === 0 ? first : `${first} (and ${more.length} more)`;
    return { check, state: 'wrong', detail, next: 'correct the document: the service does not start on it' };
  }
  const { meters, leases } = checked.ok ? checked.value : { meters: [], leases: [] };
  const detail = `${meters.length} meters, ${leases.length} leases`;
  if (meters.length > 0) return { check, state: 'ok', detail };
  return { check, state: 'warning', detail, next: 'list the meters: readings of others are set aside' };
}

function examineDatabase(file: string): Finding {
  const check = 'database';
  if (!existsSync(file)) return { check, state: 'ok', detail: `${file} will be made` };
  try {
    const db = new DatabaseSync(file, { readOnly: true });
    const row = db.prepare('PRAGMA quick_check(1)').get();
    db.close();
    const result = String(row?.quick_check);
    if (result === 'ok') return { check, state: 'ok', detail: `${file} is sound` };
    return { check, state: 'wrong', detail: result, next: 'stop the service and restore the last backup' };
  } catch (error) {
    const next = 'see whether the file is a database, and whether this user may read it';
    return { check, state: 'wrong', detail: `${file}: ${(error as Error).message}`, next };
  }
}
