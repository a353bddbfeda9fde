/** The whole line on PostgreSQL: meters, gateway, cloud and server as processes, killed on the way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { run as bill } from '../cloud/commands/bill.ts';
import { postgresProgram, startTestServer } from '../cloud/store/postgres/test-server.ts';
import { requirePeer } from '../process/peers.ts';
import { meterThrough, withLine } from '../simulators/demo/run-demo.ts';
import { generatePark } from '../simulators/park/generate-park.ts';
import { Truth } from '../simulators/park/truth.ts';
import { readProfiles } from '../simulators/profiles.ts';

const hours = 6;

test('the demo line on PostgreSQL, cloud and gateway killed on the way: every reading is stored once, and can be billed from the configuration', {
  timeout: 120_000,
}, async (context) => {
  requirePeer(context, postgresProgram());
  await using server = await startTestServer();
  const { host, port, database, user, password } = await server.createDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'meterline-line-'));
  vi.stubEnv('METERLINE_POSTGRES_PASSWORD', password ?? '');
  try {
    const whole = generatePark({ seed: 5, period: '2026-09', profiles: readProfiles() });
    const { grid, meters } = whole.truth;
    const start = { ...grid, toMs: grid.fromMs + hours * 3_600_000 };
    const generated = { ...whole, truth: new Truth(start, [...meters.values()]) };
    const kills = [
      { child: 'cloud', at: 0.3 },
      { child: 'edge', at: 0.6 },
    ] as const;
    const place = { folder, postgres: { host, port, database, user } };
    const { readings, config } = await withLine(generated, place, async (line) => ({
      readings: await meterThrough(line, { kills, onProgress: () => undefined }),
      config: line.installation.cloudConfig,
    }));
    const expected = whole.park.meters.length * (hours * 4 + 1);
    expect(readings).toEqual({
      ...{ expected, stored: expected, lost: 0, duplicated: 0, altered: 0, unexplained: 0 },
      findings: [],
    });
    const told: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((line: string) => void told.push(line));
    // A morning is no month: what is missing is told, from the store that the configuration names.
    expect(await bill(['--period', '2026-09', '--config', config, '--dry-run', '--json'])).toBe(1);
    expect(JSON.parse(told.join(''))).toMatchObject({ ok: false });
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
});
