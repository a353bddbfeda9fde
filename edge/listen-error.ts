/** A server of the gateway cannot listen where its configuration says: an operating fault, told by its key. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'cannot_listen';

  constructor(key: 'http' | 'pushBroker', { host, port }: { host: string; port: number }, cause: unknown) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    const step = taken
      ? 'another program listens there: end it, or set another port'
      : `${cause instanceof Error ? cause.message : cause}: set a host and a port of this machine`;
    super(`${key}.port: ${host}:${port}: ${step}`, { cause });
  }
}
