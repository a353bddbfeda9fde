import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generatePark } from '../park/generate-park.ts';
import { Truth } from '../park/truth.ts';
import { readProfiles } from '../profiles.ts';
import { meterThrough, withLine } from './run-demo.ts';

/** So many hours of the month are enough to be killed in. */
const hours = 24;

test('gateway and cloud are killed again and again on the way: every reading is stored once, as the meter showed it', {
  timeout: 120_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-kill-'));
  try {
    const whole = generatePark({ seed: 3, period: '2026-09', profiles: readProfiles() });
    const { grid, meters } = whole.truth;
    const start = { ...grid, toMs: grid.fromMs + hours * 3_600_000 };
    const generated = { ...whole, truth: new Truth(start, [...meters.values()]) };
    const kills = [
      { child: 'edge', at: 0.1 },
      { child: 'cloud', at: 0.3 },
      { child: 'edge', at: 0.5 },
      { child: 'cloud', at: 0.7 },
      { child: 'edge', at: 0.7 },
    ] as const;
    const outcome = await withLine(generated, { folder }, async (line) => {
      const readings = await meterThrough(line, { kills, onProgress: () => undefined });
      return { readings, edge: line.supervisor.restarts('edge'), cloud: line.supervisor.restarts('cloud') };
    });
    const expected = whole.park.meters.length * (hours * 4 + 1);
    expect(outcome.readings).toEqual({
      ...{ expected, stored: expected, lost: 0, duplicated: 0, altered: 0, unexplained: 0 },
      findings: [],
    });
    expect(outcome).toMatchObject({ edge: 3, cloud: 2 });
    for (const child of ['edge', 'cloud'])
      expect(readFileSync(join(folder, `${child}.log`), 'utf8')).toContain('stopped');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
