/** The JSON Schema of a meter model's file, for editors: `profiles/profile.schema.json`, made from the zod schema. */
import { z } from 'zod';
import { Profile } from './profile.ts';

/** What may stand in a file: with the keys that have a default left out or not. */
export function profileJsonSchema(): object {
  return {
    title: 'A meter model of Meterline',
    description:
      'Addresses are zero-based PDU addresses, what goes on the wire. See README.md beside this file.',
    ...z.toJSONSchema(Profile, { io: 'input' }),
  };
}
