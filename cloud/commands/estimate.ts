/** `meterline estimate`: validation and estimation over a history. Exit codes: 0 done, 2 usage or a file refused, 3 operating fault. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { formatDecimal } from '../../protocols/decimal.ts';
import { familyOrder } from '../history/family-order.ts';
import { HistoryFileError } from '../history/history-file-error.ts';
import { readMeterList } from '../history/meter-list.ts';
import { openReadings } from '../history/reading-file.ts';
import { estimateHistory, type HistoryEstimate } from '../metering/estimate-history.ts';
import { describeUnlisted, withoutFault } from './history-command.ts';

const USAGE = `Usage: meterline estimate --meters M.csv --readings R.csv --out I.csv

  --meters FILE     meter,utility,kind,unit,time_zone,parent,digits,max_rate
  --readings FILE   meter,time,value in any order; of an interval the time is its start
  --out FILE        meter,start,end,quantity,quality,method,reason: every interval of the local grid from the first
                    reading of a meter to its last; quantity is empty where it is missing

A time has an offset, or is local text in the time zone of its meter.`;

const options = {
  meters: { type: 'string' },
  readings: { type: 'string' },
  out: { type: 'string' },
} as const;

const form = { name: 'estimate', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  const { meters: meterFile, readings: readingFile, out } = values;
  if (meterFile === undefined || readingFile === undefined || out === undefined)
    return refuseWords(form, '--meters, --readings and --out are needed');
  return withoutFault('estimate', HistoryFileError, async () => {
    const meters = familyOrder(readMeterList(meterFile));
    const history = await openReadings(readingFile, meters);
    const file = openSync(out, 'w');
    const counts = new Map<string, number>();
    try {
      writeSync(file, 'meter,start,end,quantity,quality,method,reason\n');
      for (const { index, readings } of history.meters()) {
        const meter = meters[index];
        const estimate = meter === undefined ? null : estimateHistory({ ...meter, ...readings });
        if (meter !== undefined && estimate !== null) writeSync(file, rowsOf(meter.meter, estimate, counts));
      }
      const told = [...counts].map(([quality, count]) => `${count} ${quality}`).join(', ');
      console.error(
        `${history.rows} readings of ${meters.length} meters: ${told || 'no'} intervals in ${out}`,
      );
      for (const line of describeUnlisted(readingFile, history.unlisted)) console.error(line);
    } finally {
      history.close();
      closeSync(file);
    }
    return 0;
  });
}

function rowsOf(meter: string, { scale, intervals }: HistoryEstimate, counts: Map<string, number>): string {
  const name = /[",\n]/.test(meter) ? `"${meter.replaceAll('"', '""')}"` : meter;
  let start = instant(intervals[0]?.startMs ?? 0);
  let rows = '';
  for (const { endMs, quantity, quality, method, reason } of intervals) {
    const end = instant(endMs);
    const text = quantity === null ? '' : formatDecimal(quantity, scale);
    rows += `${name},${start},${end},${text},${quality},${method},${reason}\n`;
    counts.set(quality, (counts.get(quality) ?? 0) + 1);
    start = end;
  }
  return rows;
}

const instant = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
