/** Meters that publish their register over MQTT, each to its own topic, through one radio gateway. */
import { connect } from 'mqtt';
import { formatMicro } from '../../protocols/units.ts';
import type { Truth } from '../park/truth.ts';
import type { PushWiring } from '../park/wiring.ts';

export interface PushMeters {
  /** Publishes what every meter shows at `atMs`; resolves when the receiver has acknowledged all of it. */
  publish(atMs: number): Promise<void>;
  close(): Promise<void>;
}

const reconnectMs = 100;

/**
 * Connects to the broker at `url` as soon as it is there, and again whenever it has been away: what was not acknowledged
 * is then sent again.
 */
export function connectPushMeters(url: string, meters: readonly PushWiring[], truth: Truth): PushMeters {
  const client = connect(url, {
    clientId: 'simulated-meters',
    reconnectPeriod: reconnectMs,
    connectTimeout: 5_000,
    // A dead receiver must not end the simulation: it comes back.
    keepalive: 30,
  });
  client.on('error', () => undefined);
  return {
    async publish(atMs) {
      const ts = Temporal.Instant.fromEpochMilliseconds(atMs).toString();
      await Promise.all(
        meters.map(({ meter, topic }) => {
          const total = formatMicro(BigInt(truth.faceMicro(truth.of(meter), atMs)), 3);
          return client.publishAsync(topic, JSON.stringify({ ts, total_m3: total }), { qos: 1 });
        }),
      );
    },
    close: () => client.endAsync(true),
  };
}
