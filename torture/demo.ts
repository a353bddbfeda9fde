/** The demo's month through the real gateway and cloud processes, both killed again and again on the way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kill } from '../simulators/demo/drive-month.ts';
import { runDemo } from '../simulators/demo/run-demo.ts';
import { randomStream } from '../simulators/random.ts';
import { count, countAll, newTally, type Tally, type TortureOptions, type TorturePart } from './tally.ts';

const PERIOD = '2026-09';
/** Of each process, in a month. */
const KILLS = 4;

export const demoTorture: TorturePart = {
  name: 'demo',
  about:
    'kill -9 of gateway and cloud on the way through a month: every reading stored once, bills reconciled',
  rounds: { usual: 1, full: 2 },
  proves: [],
  run: tortureDemo,
};

async function tortureDemo({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const tally = newTally();
  for (let round = 0; round < rounds; round += 1) {
    const random = randomStream(seed, `torture/demo/${round}`);
    const kills = (['edge', 'cloud'] as const).flatMap((child) =>
      Array.from({ length: KILLS }, (): Kill => ({ child, at: random.between(10, 990) / 1000 })),
    );
    const folder = mkdtempSync(join(tmpdir(), 'meterline-torture-'));
    const month = await runDemo({
      seed: seed + round,
      period: PERIOD,
      folder,
      kills,
      onProgress: () => undefined,
    });
    const { readings, restarts, verdict } = month;
    tally.killed += restarts.edge + restarts.cloud;
    countAll(tally, readings, `seed ${seed + round}`);
    const { problems } = verdict;
    // Readings are counted above; what else does not reconcile is a fault of the bills.
    if (readings.lost + readings.duplicated + readings.altered + readings.unexplained === 0)
      count(
        tally,
        'altered',
        problems.length,
        `seed ${seed + round}: ${problems.join('; ')}, kept: ${folder}`,
      );
    if (problems.length === 0) rmSync(folder, { recursive: true });
    onRound(tally);
  }
  return tally;
}
