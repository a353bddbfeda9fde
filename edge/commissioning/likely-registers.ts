/** Where a meter's face is likely to be: the registers that the shipped models are billed by. */
import { registerWords } from '../../protocols/modbus/registers.ts';
import type { ModbusProfile } from '../../protocols/profile.ts';
import type { Snapshot } from '../drivers/read-snapshot.ts';
import { type Line, LineFault } from '../line/line.ts';

export interface RegisterPlace {
  functionCode: 3 | 4;
  address: number;
  count: number;
}

interface Wanted {
  functionCodes: readonly (3 | 4)[];
  /** The meter's own model, or null. */
  profile: string | null;
}

/** The places of the meter's own model, then those of all others; each once. */
export function likelyPlaces(
  models: readonly ModbusProfile[],
  { functionCodes, profile }: Wanted,
): RegisterPlace[][] {
  const seen = new Set<string>();
  const placesOf = ({ functionCode, registers }: ModbusProfile): RegisterPlace[] =>
    registers.flatMap(({ billing, address, type }) => {
      const place = { functionCode, address, count: registerWords(type) };
      const key = Object.values(place).join(' ');
      if (!billing || !functionCodes.includes(functionCode) || seen.has(key)) return [];
      seen.add(key);
      return [place];
    });
  const own = models.filter(({ id }) => id === profile).flatMap(placesOf);
  return [own, models.flatMap(placesOf)].filter((places) => places.length > 0);
}

/** A meter that never answers is given up after so many questions. */
const MOST_SILENT_AT_FIRST = 2;

/**
 * What the meter holds there; what it refuses it does not have.
 * @returns `over`: it does not answer at all, or the line cannot be opened, as the fault of the last read says
 */
export async function findLikely(
  line: Pick<Line, 'read'>,
  unit: number,
  places: readonly RegisterPlace[],
): Promise<{ reads: (Snapshot & { functionCode: 3 | 4 })[]; over: boolean }> {
  const reads: (Snapshot & { functionCode: 3 | 4 })[] = [];
  let silent = 0;
  for (const { functionCode, address, count } of places) {
    const read = { functionCode, registers: new Map<number, number>(), requests: 1, fault: null };
    try {
      const answer = await line.read({ unit, functionCode, address, count });
      // A refusal is an answer too.
      if (answer.ok) learn(read.registers, address, answer.data);
      reads.push(read);
      silent = Number.NEGATIVE_INFINITY;
    } catch (fault) {
      if (!(fault instanceof LineFault)) throw fault;
      silent += fault.code === 'timeout' ? 1 : 0;
      const over = fault.code === 'unreachable' || silent >= MOST_SILENT_AT_FIRST;
      reads.push({ ...read, fault: over ? fault : null });
      if (over) return { reads, over };
    }
  }
  return { reads, over: false };
}

function learn(registers: Map<number, number>, address: number, data: Uint8Array): void {
  for (let i = 0; i * 2 + 1 < data.length; i++)
    registers.set(address + i, ((data[i * 2] ?? 0) << 8) | (data[i * 2 + 1] ?? 0));
}
