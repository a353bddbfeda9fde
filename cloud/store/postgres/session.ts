/** One connection to the database, as the operations see it. */
import type { ClientBase } from 'pg';

/** Of a column: integers of eight bytes and sums come as bigints, so that none is rounded. */
export type Column = string | number | bigint | boolean | Uint8Array | null;
export type Row = Record<string, Column>;
export type Value = Column | readonly (string | number | bigint | Uint8Array | null)[];

export interface Session {
  rows(text: string, values?: readonly Value[]): Promise<Row[]>;
  /** @returns how many rows it wrote or removed */
  run(text: string, values?: readonly Value[]): Promise<number>;
  /** Several statements without values. */
  script(text: string): Promise<void>;
}

/** Statements by text: each is parsed once in a connection. There are as many as stand in the code. */
const names = new Map<string, string>();

function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = `m${names.size + 1}`;
  names.set(text, name);
  return name;
}

export function session(client: ClientBase): Session {
  const query = (text: string, values: readonly Value[]) =>
    client.query<Row>({ name: nameOf(text), text, values: values as Value[] });
  return {
    rows: async (text, values = []) => (await query(text, values)).rows,
    run: async (text, values = []) => (await query(text, values)).rowCount ?? 0,
    async script(text) {
      await client.query(text);
    },
  };
}
