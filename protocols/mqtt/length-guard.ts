/**
 * Bounds what an MQTT peer may make a broker hold in memory. It follows the fixed headers of the stream (MQTT 3.1.1,
 * 2.2.3 remaining length) and says which one is too large, before the packet has arrived.
 */

export type LengthViolation =
  | 'not_connect' // the first packet is no CONNECT
  | 'malformed_length' // a fifth length byte
  | 'packet_too_large';

export interface LengthLimits {
  /** The most bytes of the CONNECT packet, which comes from anyone. */
  connectBytes: number;
  /** The most bytes of any later packet. */
  packetBytes: number;
}

export interface LengthGuard {
  /** Takes the next bytes of the stream, cut anywhere. @returns the violation, for good from then on, or null */
  feed(chunk: Uint8Array): LengthViolation | null;
}

const CONNECT = 1;
const MOST_LENGTH_BYTES = 4;

export function createLengthGuard({ connectBytes, packetBytes }: LengthLimits): LengthGuard {
  let violation: LengthViolation | null = null;
  let connected = false;
  /** Bytes of the body that are still to come. */
  let body = 0;
  /** Header bytes seen so far: 0 is the type, then up to four of length. */
  let headerBytes = 0;
  let length = 0;

  function header(byte: number): LengthViolation | null {
    headerBytes += 1;
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
      return violation;
    },
  };
}
