/** What kind of world a number makes: how large, how hostile, and who lives in it. */
import { type Random, randomStream } from '../simulators/random.ts';

/** Beside the number, what may be told of a world; the same work is done in it either way. */
export interface WorldVariant {
  /** Another network: other losses, delays and workers. */
  luck?: string;
  /** Disks are good and large, so that every reading is accepted, whatever the network does. */
  isGentle?: boolean;
  /** The gateways' clocks are set to and fro. */
  hasClockJumps?: boolean;
}

export interface WorldPlan extends Required<WorldVariant> {
  seed: number;
  gateways: number;
  /** Ingest processes; each message goes to one of them. */
  workers: number;
  /** Of each outbox, and of the disk that it lies on. */
  maxBytes: number;
  diskBytes: number;
  /** Of messages that arrive, so many of a thousand are lost, doubled, late, damaged. */
  rates: { lost: number; doubled: number; late: number; damaged: number };
  /** There are items that no worker can take. */
  hasPoison: boolean;
  /** How long things go wrong. */
  troubleMs: number;
  /** So many readings wait before the links come up. */
  backlog: number;
}

/** One in so many worlds has a backlog of days. */
const BACKLOG_EVERY = 200;
const KIB = 1024;

const pick = <T>(random: Random, values: readonly [T, ...T[]]): T =>
  values[random.between(0, values.length - 1)] ?? values[0];

export function planWorld(seed: number, variant: WorldVariant): WorldPlan {
  const random = randomStream(seed, 'plan');
  const { luck = '', isGentle = false, hasClockJumps = random.between(0, 3) === 0 } = variant;
  const network = randomStream(seed, `plan/network${luck}`);
  const chance = (most: number): number => network.between(0, most);
  const backlog = seed % BACKLOG_EVERY === 0 ? random.between(4_000, 10_000) : 0;
  const isLarge = isGentle || backlog > 0;
  return {
    seed,
    luck,
    isGentle,
    hasClockJumps,
    gateways: backlog > 0 ? 1 : random.between(1, 2),
    workers: network.between(1, 4),
    maxBytes: isLarge ? 64 * KIB * KIB : pick(random, [12 * KIB, 40 * KIB, 1024 * KIB]),
    diskBytes: isLarge ? 128 * KIB * KIB : 512 * KIB,
    rates: { lost: chance(300), doubled: chance(300), late: chance(300), damaged: chance(60) },
    hasPoison: !isGentle && random.between(0, 2) === 0,
    troubleMs: random.between(10_000, 40_000),
    backlog,
  };
}
