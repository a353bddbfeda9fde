/** `meterline detect`: replays a history through the detectors. Exit codes: 0 done, 2 usage or a file refused, 3 operating fault. */
import { writeFileSync } from 'node:fs';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { familyOrder } from '../history/family-order.ts';
import { HistoryFileError } from '../history/history-file-error.ts';
import { readMeterList } from '../history/meter-list.ts';
import { openReadings } from '../history/reading-file.ts';
import { replay } from '../history/replay.ts';
import type { Alarm } from '../metering/detectors/alarm.ts';
import { defaultSettings } from '../metering/detectors/settings.ts';
import { describeUnlisted, refuse, withoutFault } from './history-command.ts';

const USAGE = `Usage: meterline detect --meters M.csv --readings R.csv --out A.jsonl [--alarms-per-month N]

  --meters FILE          meter,utility,kind,unit,time_zone,parent,digits,max_rate
  --readings FILE        meter,time,value in any order; of an interval the time is its start
  --out FILE             one alarm a line, in the order in which they were raised
  --alarms-per-month N   false alarms of surge and drop that are accepted, per meter and month (default ${defaultSettings.deviation.perMonth})

A time has an offset, or is local text in the time zone of its meter.`;

const options = {
  meters: { type: 'string' },
  readings: { type: 'string' },
  out: { type: 'string' },
  'alarms-per-month': { type: 'string' },
} as const;

const form = { name: 'detect', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options });
  if ('exitCode' in taken) return taken.exitCode;
  const { values } = taken;
  const { meters: meterFile, readings: readingFile, out } = values;
  if (meterFile === undefined || readingFile === undefined || out === undefined)
    return refuseWords(form, '--meters, --readings and --out are needed');
  const perMonth = Number(values['alarms-per-month'] ?? defaultSettings.deviation.perMonth);
  if (!(perMonth > 0 && perMonth < 100))
    return refuse('meterline detect: --alarms-per-month is a number above 0');
  const settings = { ...defaultSettings, deviation: { ...defaultSettings.deviation, perMonth } };
  return withoutFault('detect', HistoryFileError, async () => {
    const meters = familyOrder(readMeterList(meterFile));
    const history = await openReadings(readingFile, meters);
    try {
      const alarms = replay(meters, history, settings);
      writeFileSync(out, alarms.map(alarmLine).join(''));
      console.error(`${history.rows} readings of ${meters.length} meters: ${alarms.length} alarms in ${out}`);
      for (const line of describeUnlisted(readingFile, history.unlisted)) console.error(line);
    } finally {
      history.close();
    }
    return 0;
  });
}

const instant = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

function alarmLine({ meter, type, startMs, seenMs, raisedMs, severity, text, figures }: Alarm): string {
  const span = { start: instant(startMs), end: instant(seenMs), raisedAt: instant(raisedMs) };
  return `${JSON.stringify({ meter, type, ...span, severity, evidence: { ...text, ...figures } })}\n`;
}
