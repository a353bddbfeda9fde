import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { profileJsonSchema } from './profile-schema.ts';

const folder = join(import.meta.dirname, 'profiles');
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

test('profile.schema.json is current: `meterline profiles --schema` writes it', () => {
  expect(JSON.parse(read('profile.schema.json'))).toEqual(JSON.parse(JSON.stringify(profileJsonSchema())));
});

test.each(readdirSync(folder).filter((file) => file.endsWith('.yaml')))('%s names it to editors', (file) => {
  expect(read(file).split('\n')[0]).toBe('# yaml-language-server: $schema=./profile.schema.json');
});
