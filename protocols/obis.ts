/** Register codes after IEC 62056-61 (OBIS), `A-B:C.D.E`, e.g. `1-0:1.8.0` active import, `8-0:1.0.0` water volume. */
import { z } from 'zod';

export const Obis = z
  .string()
  .regex(/^\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}$/, 'not an OBIS code such as "1-0:1.8.0"');
export type Obis = z.infer<typeof Obis>;

export const ACTIVE_IMPORT = '1-0:1.8.0';
