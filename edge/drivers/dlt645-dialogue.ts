/** Items of a DL/T 645 meter one after the other, each whole: what does not fit a frame is read on. */
import type { Dlt645Request, Dlt645Version } from '../../protocols/dlt645/read-data.ts';
import type { LineUse } from '../line/line.ts';
import { dlt645Exchange } from './dlt645-driver.ts';
import { askOptions, askRepeatedly, type DriveOptions, type MeterRead } from './meter-driver.ts';

/** @returns null when the meter refused, or gave no clean answer: `read` says which */
export type Dlt645Dialogue = (item: string, given?: string) => Promise<Uint8Array | null>;

/** So many frames belong to one item at most. */
const MOST_PARTS = 32;

export function dlt645Dialogue({
  version,
  address,
  line,
  options,
  read,
}: {
  version: Dlt645Version;
  address: string;
  line: LineUse;
  options: DriveOptions;
  read: MeterRead;
}): Dlt645Dialogue {
  return async (item, given) => {
    const whole: number[] = [];
    for (let part = 0; part < MOST_PARTS; part++) {
      const request: Dlt645Request =
        part === 0
          ? { version, address, kind: 'item', item, ...(given === undefined ? {} : { given }) }
          : { version, address, kind: 'rest', item, part };
      const ask = () => line.ask(dlt645Exchange(request), askOptions(options));
      const reply = await askRepeatedly(ask, options.attempts, read);
      if (reply === null) return null;
      const { answer } = reply;
      if (!answer.ok) {
        read.failures += 1;
        read.exception = answer.error;
        return null;
      }
      whole.push(...answer.data);
      if (!answer.more) return Uint8Array.from(whole);
    }
    read.failures += 1;
    return null;
  };
}
