/**
 * A TCP proxy that does to a connection what bad networks, middleboxes and half-dead peers do: it delays, stalls, cuts in the
 * middle of a frame, closes one side only, and, as nothing but a defect can, repeats, swaps and damages bytes. Seeded.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Random, randomStream } from './random.ts';

/** Of a thousand chunks, so many. */
export interface ProxyFaults {
  /** Half of the chunk arrives, then the end; its sender is reset. */
  cut: number;
  /** One direction ends; the other is left open and silent. */
  halfClose: number;
  duplicate: number;
  /** It arrives behind the next one. */
  reorder: number;
  /** One bit is flipped. */
  corrupt: number;
  /** The proxy reads on only after `stallMs`. */
  stall: number;
  /** Every chunk is late by this, and by up to `jitterMs` more; they keep their order. */
  delayMs: number;
  jitterMs: number;
  stallMs: number;
}

export type ProxyFault = 'cut' | 'halfClose' | 'duplicate' | 'reorder' | 'corrupt' | 'stall';
const KINDS = ['cut', 'halfClose', 'duplicate', 'reorder', 'corrupt', 'stall'] as const;

export const noFaults: ProxyFaults = {
  ...{ cut: 0, halfClose: 0, duplicate: 0, reorder: 0, corrupt: 0, stall: 0 },
  ...{ delayMs: 0, jitterMs: 0, stallMs: 0 },
};

export interface FaultProxy {
  port: number;
  /** How often each was done so far. */
  done: Readonly<Record<ProxyFault, number>>;
  /** From now on. */
  set(faults: Partial<ProxyFaults>): void;
  close(): Promise<void>;
}

/** @param target a port on the loopback */
export async function startFaultProxy({
  target,
  seed,
  faults,
}: {
  target: number;
  seed: number;
  faults: Partial<ProxyFaults>;
}): Promise<FaultProxy> {
  const random = randomStream(seed, 'fault-proxy');
  const state: State = {
    random,
    faults: { ...noFaults, ...faults },
    done: { cut: 0, halfClose: 0, duplicate: 0, reorder: 0, corrupt: 0, stall: 0 },
  };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true, noDelay: true });
    near.setNoDelay(true);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      // What it broke is told by the close.
      from.on('error', () => undefined);
      pass(from, to, state);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    done: state.done,
    set(next) {
      state.faults = { ...state.faults, ...next };
    },
    async close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

interface State {
  random: Random;
  faults: ProxyFaults;
  done: Record<ProxyFault, number>;
}

/** Carries one direction. */
function pass(from: Socket, to: Socket, state: State): void {
  /** The last one that is on its way: none overtakes it. */
  let before = Promise.resolve();
  /** Waits for the next one, to follow it. */
  let held: Buffer | null = null;
  const late = (work: () => void): void => {
    const { delayMs, jitterMs } = state.faults;
    const ms = delayMs + state.random.between(0, jitterMs);
    const due = ms === 0 ? Promise.resolve() : new Promise<void>((resolve) => setTimeout(resolve, ms));
    before = Promise.all([before, due]).then(work);
  };
  const write = (bytes: Buffer): void => void (to.writable && to.write(bytes));
  from.on('data', (data) => {
    const chunk = typeof data === 'string' ? Buffer.from(data) : data;
    const fault = faultOf(state);
    if (fault !== null) state.done[fault] += 1;
    const bytes = fault === 'corrupt' ? flipped(chunk, state.random) : chunk;
    const parts = [bytes, ...(held === null ? [] : [held])];
    held = null;
    if (fault === 'reorder') {
      held = Buffer.concat(parts);
      return;
    }
    if (fault === 'duplicate') parts.push(bytes);
    if (fault === 'stall') {
      from.pause();
      setTimeout(() => from.resume(), state.faults.stallMs);
    }
    late(() => {
      if (fault === 'cut') {
        write(chunk.subarray(0, chunk.length >> 1));
        to.end();
        from.resetAndDestroy();
      } else if (fault === 'halfClose') to.end();
      else for (const part of parts) write(part);
    });
  });
  from.on('end', () => late(() => void to.end()));
}

function faultOf({ random, faults }: State): ProxyFault | null {
  let chance = random.between(0, 999);
  for (const kind of KINDS) {
    chance -= faults[kind];
    if (chance < 0) return kind;
  }
  return null;
}

function flipped(chunk: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(chunk);
  const bit = random.between(0, bytes.length * 8 - 1);
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes;
}
