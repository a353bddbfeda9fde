/**
 * Opening and closing an association of DLMS/COSEM (IEC 62056-53: ACSE in BER, xDLMS initiate in A-XDR), by logical names
 * and without ciphering; with a password (low level security) or without any (lowest).
 */
import { buildLength, parseLength } from './data.ts';

/** joint-iso-ccitt 16 756 5 8 1 1: logical names, no ciphering. */
const APPLICATION_CONTEXT = [0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01];
/** The same root, 2 1: a password. */
const LOW_LEVEL_SECURITY = [0x60, 0x85, 0x74, 0x05, 0x08, 0x02, 0x01];
/** Bits of the conformance block, counted from its highest. Nothing that writes or acts is asked for. */
const CONFORMANCE_BITS = 24;
export const BLOCK_GET = 11;
export const GET = 19;
export const SELECTIVE_ACCESS = 21;
const DLMS_VERSION = 6;
/** The longest answer that we take in one piece. */
const MAX_RECEIVE_PDU = 1200;
const RELEASE_REQUEST = [0x62, 0x03, 0x80, 0x01, 0x00];
const RELEASE_RESPONSE = 0x63;
const NOT_ALLOWED = [0x0e, 0xd8];

/** @param password for low level security: printable ASCII as a rule; without it there is no security */
export function buildAssociationRequest(password?: string): Uint8Array {
  const secret = new TextEncoder().encode(password ?? '');
  const authentication =
    password === undefined
      ? []
      : [
          ...tagged(0x8a, [0x07, 0x80]),
          ...tagged(0x8b, LOW_LEVEL_SECURITY),
          ...tagged(0xac, tagged(0x80, secret)),
        ];
  const conformance = [BLOCK_GET, GET, SELECTIVE_ACCESS].reduce(
    (bits, bit) => bits | (1 << (CONFORMANCE_BITS - 1 - bit)),
    0,
  );
  const initiate = [
    // No dedicated key, response allowed, no quality of service asked for.
    ...[0x01, 0x00, 0x00, 0x00, DLMS_VERSION],
    ...[0x5f, 0x1f, 0x04, 0x00, conformance >> 16, (conformance >> 8) & 0xff, conformance & 0xff],
    ...[MAX_RECEIVE_PDU >> 8, MAX_RECEIVE_PDU & 0xff],
  ];
  const fields = [
    ...tagged(0xa1, APPLICATION_CONTEXT),
    ...authentication,
    ...tagged(0xbe, tagged(0x04, initiate)),
  ];
  return Uint8Array.from(tagged(0x60, fields));
}

const tagged = (tag: number, bytes: ArrayLike<number>): number[] => [
  tag,
  ...buildLength(bytes.length),
  ...Array.from(bytes),
];

/** `rejected`: the meter's diagnostic (1 no reason, 11 mechanism not recognised, 13 failure, 14 required: with a password). */
export type Association =
  | { state: 'open' /** Bit 0 is the highest. */; offers: (bit: number) => boolean; maxPdu: number }
  | { state: 'rejected'; diagnostic: number };

/** What a meter answers to the request, or null for what is no such answer. */
export function parseAssociationResponse(pdu: Uint8Array): Association | null {
  if (pdu[0] !== 0x61) return null;
  const body = fieldAt(pdu, 0);
  if (body === null || body.end !== pdu.length) return null;
  const fields = new Map<number, Uint8Array>();
  for (let at = 0; at < body.value.length; ) {
    const field = fieldAt(body.value, at);
    if (field === null) return null;
    fields.set(body.value[at] ?? 0, field.value);
    at = field.end;
  }
  const result = fields.get(0xa2)?.[2];
  const diagnostic = fields.get(0xa3)?.[4];
  if (result === undefined || diagnostic === undefined) return null;
  const context = fields.get(0xa1);
  const isOurs =
    context?.length === APPLICATION_CONTEXT.length &&
    APPLICATION_CONTEXT.every((byte, at) => byte === context[at]);
  // Diagnostic 14 with result 0 wants a further exchange of secrets: nothing is open before that.
  if (result !== 0 || diagnostic !== 0 || !isOurs) return { state: 'rejected', diagnostic };
  const user = fields.get(0xbe);
  const initiate = user && fieldAt(user, 0);
  return initiate ? parseInitiateResponse(initiate.value) : null;
}

/** What stands behind tag and length, and where it ends. */
function fieldAt(bytes: Uint8Array, at: number): { value: Uint8Array; end: number } | null {
  const length = parseLength(bytes, at + 1);
  if (length === null || length.end + length.value > bytes.length) return null;
  const end = length.end + length.value;
  return { value: bytes.subarray(length.end, end), end };
}

function parseInitiateResponse(bytes: Uint8Array): Association | null {
  if (bytes[0] === NOT_ALLOWED[0]) return { state: 'rejected', diagnostic: bytes[3] ?? 0 };
  if (bytes[0] !== 0x08) return null;
  // A quality of service may stand there, in one byte behind a 1.
  const at = bytes[1] === 0 ? 2 : 3;
  const [version, tag, subtag, length, unused] = bytes.subarray(at);
  const block = tag === 0x5f && subtag === 0x1f && length === 4 && unused === 0 ? at + 5 : null;
  if (version !== DLMS_VERSION || block === null || bytes.length < block + 7) return null;
  const conformance = bytes.slice(block, block + 3);
  return {
    state: 'open',
    offers: (bit) => (((conformance[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1,
    maxPdu: ((bytes[block + 3] ?? 0) << 8) | (bytes[block + 4] ?? 0),
  };
}

export const buildReleaseRequest = (): Uint8Array => Uint8Array.from(RELEASE_REQUEST);

/** Whether it says that there is no association any more: released, or there was none. */
export const isReleaseResponse = (pdu: Uint8Array): boolean =>
  pdu[0] === RELEASE_RESPONSE || pdu[0] === NOT_ALLOWED[1];
