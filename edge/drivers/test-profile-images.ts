/** For tests: what a meter of each model holds (address: registers in hex), and what its registers are then worth. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const Images = z.record(z.string(), z.record(z.string(), z.tuple([z.int(), z.string(), z.string()])));
const file = join(import.meta.dirname, 'test-profile-images.yaml');

export const images: Record<string, { holds: Record<number, string>; reads: Record<string, string> }> =
  Object.fromEntries(
    Object.entries(Images.parse(parse(readFileSync(file, 'utf8')))).map(([id, registers]) => {
      const rows = Object.entries(registers);
      return [
        id,
        {
          holds: Object.fromEntries(rows.map(([, [address, hex]]) => [address, hex])),
          reads: Object.fromEntries(rows.map(([obis, [, , value]]) => [obis, value])),
        },
      ];
    }),
  );
