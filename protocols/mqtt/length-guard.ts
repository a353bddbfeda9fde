/**
 * Bounds what an MQTT peer may make a broker hold in memory. It follows the fixed headers of the stream (MQTT 3.1.1,
 * 2.2.3 remaining length) and says which one is too large, before the packet has arrived.
 */

export type LengthViolation =
  | 'not_connect' // the first packet is no CONNECT
  | 'malformed_length' // a fifth length byte
  | 'packet_too_large'
  | 'not_admitted'; // more than a CONNECT, from somebody who is not known yet

export interface LengthLimits {
  /** The most bytes of the CONNECT packet, which comes from anyone. */
  connectBytes: number;
  /** The most bytes of any later packet. */
  packetBytes: number;
  /** The most bytes in all until `admit`; absent: any. */
  unadmittedBytes?: number;
}

export interface LengthGuard {
  /** Takes the next bytes of the stream, cut anywhere. @returns the violation, for good from then on, or null */
  feed(chunk: Uint8Array): LengthViolation | null;
  /** The peer is known from now on. */
  admit(): void;
  /** That have begun so far. */
  packets(): number;
}

const CONNECT = 1;
const MOST_LENGTH_BYTES = 4;

export function createLengthGuard(limits: LengthLimits): LengthGuard {
  const { connectBytes, packetBytes } = limits;
  let unadmittedBytes = limits.unadmittedBytes ?? Number.POSITIVE_INFINITY;
  let packets = 0;
  let violation: LengthViolation | null = null;
  let connected = false;
  /** Bytes of the body that are still to come. */
  let body = 0;
  /** Header bytes seen so far: 0 is the type, then up to four of length. */
  let headerBytes = 0;
  let length = 0;

  function header(byte: number): LengthViolation | null {
    headerBytes += 1;
    if (headerBytes === 1) packets += 1;
    if (headerBytes === 1) return connected || byte >> 4 === CONNECT ? null : 'not_connect';
    length += (byte & 0x7f) * 128 ** (headerBytes - 2);
    if (byte & 0x80) return headerBytes > MOST_LENGTH_BYTES ? 'malformed_length' : null;
    if (headerBytes + length > (connected ? packetBytes : connectBytes)) return 'packet_too_large';
    body = length;
    headerBytes = 0;
    length = 0;
    connected = true;
    return null;
  }

  return {
    feed(chunk) {
      unadmittedBytes -= chunk.length;
      for (let at = 0; at < chunk.length && violation === null; ) {
        if (body > 0) {
          const skipped = Math.min(body, chunk.length - at);
          body -= skipped;
          at += skipped;
        } else {
          violation = header(chunk[at] ?? 0);
          at += 1;
        }
      }
      if (unadmittedBytes < 0) violation ??= 'not_admitted';
      return violation;
    },
    admit() {
      unadmittedBytes = Number.POSITIVE_INFINITY;
    },
    packets: () => packets,
  };
}
