/** The thread that owns the database: one message, one operation, one reply, in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { isOfMessage } from './fault.ts';
import { openDatabase } from './open-database.ts';
import type { StoreReply } from './open-store.ts';
import { operations } from './operations.ts';

const db = openDatabase(workerData.file);
const table: Record<string, (...args: never[]) => unknown> = { ...operations(db) };

parentPort?.on('message', ({ id, name, args }: { id: number; name: string; args: never[] }) => {
  const reply = (message: Omit<StoreReply, 'id'>): void => parentPort?.postMessage({ id, ...message });
  if (name === 'ready') return reply({});
  if (name === 'close') {
    db.close();
    reply({});
    parentPort?.close();
    return;
  }
  try {
    const operation = table[name];
    if (operation === undefined) throw new Error('no such operation');
    reply({ value: operation(...args) });
  } catch (error) {
    const { message, code } = error as { message: string; code?: string };
    reply({ error: { message, code, ofMessage: isOfMessage(error) } });
  }
});
