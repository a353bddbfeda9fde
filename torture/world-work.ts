/** What the meters of a simulated gateway give it: readings of two registers, and now and then what a person vouches for. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { NewEvidenceItem, NewReading } from '../edge/buffer/outbox-items.ts';
import {
  decodeEvidence,
  type Evidence,
  type EvidenceSignature,
  evidenceText,
} from '../protocols/evidence.ts';
import type { GivenReading } from '../simulators/compare-readings.ts';
import type { Random } from '../simulators/random.ts';

export const ENERGY = '1-0:1.8.0';
const POWER = '1-0:16.7.0';
export const START_MS = Date.UTC(2026, 8, 1);
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** How a reading or evidence will be known again in the store. */
export interface Given extends Pick<GivenReading, 'shows'> {
  at: string;
  meter: string;
  register: string;
  atMs: number;
}

export class WorldWork {
  readonly #gateway: string;
  #minted = 1;
  /** How far the clock is set off; no two settings share their milliseconds, so that no instant repeats. */
  #offsetMs = 0;
  #jumps = 0;

  constructor(gateway: string) {
    this.#gateway = gateway;
  }

  /** The clock is set off by a second, a year, or ten, to either side. */
  jump(random: Random): void {
    this.#jumps += 1;
    const sizes = [SECOND_MS, 3_600 * SECOND_MS, DAY_MS, 366 * DAY_MS, 3_653 * DAY_MS];
    const size = sizes[random.between(0, sizes.length - 1)] ?? SECOND_MS;
    this.#offsetMs = (random.between(0, 1) === 0 ? -size : size) + (this.#jumps % SECOND_MS);
  }

  reading(): { reading: NewReading; given: Given } {
    const n = this.#minted++;
    const isPower = n % 3 === 0;
    const meter = `${this.#gateway}-${n % 5}`;
    const register = isPower ? POWER : ENERGY;
    const unit = isPower ? 'W' : 'kWh';
    const atMs = START_MS + n * SECOND_MS + this.#offsetMs;
    const readAt = Temporal.Instant.fromEpochMilliseconds(atMs).toString();
    return {
      reading: { meter, register, readAt, value: String(n), unit, source: 'poll' },
      given: { at: `${meter} ${register} ${atMs}`, shows: `${n}000000 ${unit} null`, meter, register, atMs },
    };
  }

  evidence(): { item: NewEvidenceItem; given: Given } {
    const n = this.#minted++;
    const meter = `${this.#gateway}-${n % 5}`;
    const atMs = START_MS + n * SECOND_MS + this.#offsetMs;
    const face = '12345.67';
    const decoding: Evidence['decoding'] = {
      functionCode: 3,
      address: n,
      raw: '0012d687',
      type: 'u32',
      order: 'ABCD',
      scale: '0.01',
      transformed: null,
    };
    const decoded = decodeEvidence(decoding, face) ?? { value: '', difference: '' };
    const evidence: Evidence = {
      gateway: this.#gateway,
      meter,
      profile: 'adl400',
      register: ENERGY,
      face,
      decoding,
      ...decoded,
      photo: null,
      by: 'somebody',
      at: Temporal.Instant.fromEpochMilliseconds(atMs).toString(),
      place: null,
    };
    const text = evidenceText(evidence);
    const shows = createHash('sha256').update(text).digest('hex');
    return {
      item: { kind: 'evidence', evidence, signature: signatureOf(text) },
      given: { at: `${meter} evidence ${atMs}`, shows, meter, register: ENERGY, atMs },
    };
  }
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const rawKey = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');

const signatureOf = (text: string): EvidenceSignature => ({
  algorithm: 'Ed25519',
  keyId: createHash('sha256').update(rawKey).digest('hex').slice(0, 16),
  publicKey: rawKey.toString('base64'),
  value: sign(null, Buffer.from(text), privateKey).toString('base64'),
});
