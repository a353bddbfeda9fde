/** Nothing that polls can write: its requests are built in one place, for two functions. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildRequest, parseRequest, type ReadRequest } from '../protocols/modbus/pdu.ts';

const root = join(import.meta.dirname, '..');
const sources = globSync(['edge/**/*.ts', 'protocols/modbus/*.ts'], { cwd: root }).filter(
  (file) => !/\.test\.ts$|\/test-/.test(file),
);
/** A write function by its number where a request names its function, or by the name that libraries give it. */
const writes =
  /functionCode:\s*(?:5|6|15|16|22|23|0x0?5|0x0?6|0x0f|0x10|0x16|0x17)\b|\bwrite(?:FC|Register|Coil|Single|Multiple)/i;

test.each(sources)('%s sends no write function of Modbus', (file) => {
  expect(writes.exec(readFileSync(join(root, file), 'utf8'))?.[0]).toBeUndefined();
});

test.each([
  '{ functionCode: 6, address: 1 }',
  'functionCode: 0x10',
  'client.writeRegisters(1)',
  'writeFC16(',
])('%s would be found', (text) => expect(text).toMatch(writes));

test.each([5, 6, 15, 16, 22, 23])(
  'a request of function %i is none that a meter of ours would take',
  (code) => {
    const request = { functionCode: code, address: 0, count: 1 } as unknown as ReadRequest;
    expect(parseRequest(buildRequest(request))).toMatchObject({ ok: false, code: 'illegal_function' });
  },
);
