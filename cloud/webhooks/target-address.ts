/**
 * Where a webhook may go: an https address of a public host. A name is resolved once for each delivery, every address that it has
 * must be public, and the connection goes to one of those that were checked: a name that answers otherwise a moment later gains nothing.
 */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

export interface TargetAddress {
  url: URL;
  address: string;
  family: 4 | 6;
}
export type TargetResult = { ok: true; target: TargetAddress } | { ok: false; detail: string };
export type Resolve = (host: string) => Promise<{ address: string; family: number }[]>;

/** IANA's special-purpose registries: what is not globally reachable. */
const notPublic = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv4');
/** Global unicast of IPv6 is 2000::/3; what of it is special stands below. */
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv6');

/** IPv4 that is written as IPv6 (`::ffff:127.0.0.1`) is no global unicast, and refused with the rest. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !notPublic.check(address, 'ipv4');
  return family === 6 && globalUnicast.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
}

const resolveAll: Resolve = (host) => lookup(host, { all: true, verbatim: true });

/** @param allowPrivate a development setting: http, and addresses of this machine and its networks */
export async function targetAddress(
  text: string,
  { allowPrivate, resolve = resolveAll }: { allowPrivate: boolean; resolve?: Resolve },
): Promise<TargetResult> {
  const url = URL.parse(text);
  if (url === null) return refuse(`"${text.slice(0, 200)}" is no address`);
  const { protocol, username, password } = url;
  if (protocol !== 'https:' && !(allowPrivate && protocol === 'http:'))
    return refuse(`${protocol}// is not used for webhooks: https:// is`);
  if (username !== '' || password !== '') return refuse('user and password do not belong in the address');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  let found: Awaited<ReturnType<Resolve>>;
  try {
    found = isIP(host) === 0 ? await resolve(host) : [{ address: host, family: isIP(host) }];
  } catch (error) {
    return refuse(`${host} cannot be resolved: ${(error as Error).message}`);
  }
  const [first] = found;
  if (first === undefined) return refuse(`${host} has no address`);
  const inside = found.find(({ address }) => !isPublicAddress(address));
  if (inside !== undefined && !allowPrivate)
    return refuse(`${host} is ${inside.address}, which is no address of the public internet`);
  return { ok: true, target: { url, address: first.address, family: first.family === 6 ? 6 : 4 } };
}

const refuse = (detail: string): TargetResult => ({ ok: false, detail });
