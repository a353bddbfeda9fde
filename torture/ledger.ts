/**
 * Posting and its external ledger: the process that closes is killed around posting, four workers are killed while they deliver, and
 * the ledger's answers are lost or never come. Then every charge stands once in our ledger and once in the other.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { reconcileBooks } from '../cloud/jobs/reconcile-books.ts';
import { openSigningKey } from '../cloud/signing.ts';
import { openStore, type Store } from '../cloud/store/store.ts';
import { mintWebhookSecret } from '../cloud/webhooks/sign-event.ts';
import { type Random, randomStream } from '../simulators/random.ts';
import { discard, prepareMonth } from './close.ts';
import {
  count,
  newTally,
  startVictim,
  type Tally,
  type TortureOptions,
  type TorturePart,
  tell,
  type Victim,
} from './tally.ts';

const PERIOD = '2026-09';
const WORKERS = 4;
const KILLS_A_ROUND = 25;
const child = (name: string): string => join(import.meta.dirname, name);

export const ledgerTorture: TorturePart = {
  name: 'ledger',
  about:
    'kill -9 around posting and of four workers that deliver, answers lost: one entry a charge, here and there',
  rounds: { usual: 1, full: 8 },
  proves: [
    {
      invariant: 16,
      promise: 'a charge is posted once, and stands once in the external ledger',
      of: 'kills and lost answers',
      atLeast: 1_000,
    },
    {
      invariant: 18,
      promise: 'bills, outbox and ledger are the same to the cent',
      of: 'rounds',
      atLeast: 8,
    },
  ],
  run: tortureLedger,
};

async function tortureLedger({ seed, rounds, onRound }: TortureOptions): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-torture-'));
  const random = randomStream(seed, 'torture/ledger');
  const tally = newTally();
  const derived = join(folder, 'derived.db');
  try {
    await prepareMonth(derived, seed);
    openSigningKey(folder);
    for (let round = 0; round < rounds; round += 1) {
      await oneRound({ folder, derived, random, tally });
      onRound(tally);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return tally;
}

interface Round {
  folder: string;
  derived: string;
  random: Random;
  tally: Tally;
}

async function oneRound({ folder, derived, random, tally }: Round): Promise<void> {
  const file = join(folder, 'round.db');
  discard(file);
  copyFileSync(derived, file);
  const other = await startOtherLedger(random, tally);
  const store = await openStore({ file });
  const workers: Victim[] = [];
  try {
    const secret = mintWebhookSecret();
    await store.addWebhook({
      id: 'w',
      url: other.url,
      description: '',
      secret,
      createdAt: '2026-10-01T00:00:00Z',
    });
    const start = (): Victim => startVictim(child('deliver-child.ts'), [file], () => undefined);
    workers.push(...Array.from({ length: WORKERS }, start));
    const closer = (onLine: (line: string) => void): Victim =>
      startVictim(child('close-child.ts'), [file, folder, PERIOD, '60'], onLine);
    const first = closer((line) => {
      if (line === 'posting') void sleep(random.between(0, 30)).then(() => first.process.kill('SIGKILL'));
    });
    if ((await first.ended) === 'SIGKILL') killed(tally);
    await closer(() => undefined).ended;
    for (let kill = 0; kill < KILLS_A_ROUND; kill += 1) {
      await sleep(random.between(20, 300));
      const index = random.between(0, WORKERS - 1);
      workers[index]?.process.kill('SIGKILL');
      await workers[index]?.ended;
      killed(tally);
      workers[index] = start();
    }
    await drained(store);
    await compare(store, other, tally);
  } finally {
    for (const { process } of workers) process.kill('SIGKILL');
    await Promise.all(workers.map(({ ended }) => ended));
    await store.close();
    await other.close();
  }
}

const killed = (tally: Tally): void => {
  tally.killed += 1;
  tell(tally, 'kills and lost answers');
};

async function drained(store: Store): Promise<void> {
  const patience = AbortSignal.timeout(120_000);
  while ((await store.deliveryCounts()).some(({ pending }) => pending > 0)) {
    patience.throwIfAborted();
    await sleep(20);
  }
}

interface OtherLedger {
  url: string;
  /** By idempotency key: the charge's key and amount of the first request. */
  entries: Map<string, { key: string; gross: string; body: string }>;
  close(): Promise<unknown>;
}

/** Books what it hears once a key. Of ten answers three are lost, and one request before it is read. */
async function startOtherLedger(random: Random, tally: Tally): Promise<OtherLedger> {
  const entries: OtherLedger['entries'] = new Map();
  const server: Server = createServer((request, response) => {
    const fate = random.between(0, 9);
    if (fate === 0) {
      tell(tally, 'kills and lost answers');
      request.socket.destroy();
      return;
    }
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const id = String(request.headers['idempotency-key']);
      const { subject, data } = JSON.parse(body) as { subject: string; data: { gross: string } };
      const before = entries.get(id);
      if (before === undefined) entries.set(id, { key: subject, gross: data.gross, body });
      else if (before.body !== body) count(tally, 'altered', 1, `${id} came with another body`);
      else tell(tally, 'repeated deliveries');
      if (fate > 3) response.writeHead(204).end();
      else {
        tell(tally, 'kills and lost answers');
        request.socket.destroy();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    entries,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function compare(store: Store, { entries }: OtherLedger, tally: Tally): Promise<void> {
  const charges = await store.charges({ since: 0, limit: 100_000 });
  const told = new Map<string, { gross: string }[]>();
  for (const { key, gross } of entries.values()) told.set(key, [...(told.get(key) ?? []), { gross }]);
  for (const { key, gross } of charges) {
    const there = told.get(key) ?? [];
    if (there.length === 0) count(tally, 'lost', 1, `${key} is not in the other ledger`);
    if (there.length > 1) count(tally, 'duplicated', there.length - 1, `${key} stands ${there.length} times`);
    if (there.some((one) => one.gross !== gross))
      count(tally, 'altered', 1, `${key} has another amount there`);
  }
  tell(tally, 'charges', charges.length);
  const books = await reconcileBooks(store);
  for (const { key, detail } of books.differences) count(tally, 'unexplained', 1, `${key}: ${detail}`);
  for (const { dead } of await store.deliveryCounts())
    if (dead > 0) count(tally, 'lost', dead, `${dead} deliveries were given up`);
}
