/** Which figures the gateway publishes, of its buses, its meters, its outbox, its uplink and the process. */
import type { EdgeApiContext } from './context.ts';
import type { Figure } from './metrics.ts';

const counter = (name: string, help: string, samples: Figure['samples']): Figure => ({
  name: `meterline_edge_${name}`,
  help,
  type: 'counter',
  samples,
});
const gauge = (name: string, help: string, samples: Figure['samples']): Figure => ({
  ...counter(name, help, samples),
  type: 'gauge',
});
const one = (value: number | null): Figure['samples'] => [{ value }];

export const figuresOf = (context: EdgeApiContext): Figure[] => [
  ...busFigures(context),
  ...meterFigures(context),
  ...lineFigures(context),
  ...processFigures(),
];

function busFigures({ gateway }: EdgeApiContext): Figure[] {
  const { buses } = gateway.status();
  const of = (value: (bus: (typeof buses)[number]) => number | null): Figure['samples'] =>
    buses.map((bus) => ({ labels: { bus: bus.bus }, value: value(bus) }));
  return [
    counter(
      'bus_requests_total',
      'Requests sent, repeats included.',
      of((bus) => bus.requests),
    ),
    counter(
      'bus_failures_total',
      'Requests that gave no value.',
      of((bus) => bus.failures),
    ),
    counter(
      'bus_failures_by_code_total',
      'The same by what they were.',
      buses.flatMap(({ bus, failuresByCode }) =>
        Object.entries(failuresByCode).map(([code, value]) => ({ labels: { bus, code }, value })),
      ),
    ),
    counter(
      'bus_retries_total',
      'Meters that were asked once more in the same round.',
      of((bus) => bus.retries),
    ),
    gauge(
      'bus_cycle_seconds',
      'The last round of all that was due.',
      of(({ cycle }) => (cycle === null ? null : cycle.milliseconds / 1000)),
    ),
    gauge(
      'bus_cycle_floor_seconds',
      'What the line takes at least for it.',
      of(({ cycle }) => (cycle === null ? null : cycle.floorMilliseconds / 1000)),
    ),
    gauge(
      'bus_utilisation_ratio',
      'What the floor is of the round.',
      of(({ cycle }) => (cycle === null ? null : cycle.utilisation)),
    ),
    gauge(
      'bus_meters',
      'Meters of the bus.',
      of((bus) => bus.meters),
    ),
    gauge(
      'bus_meters_silent',
      'Meters that do not answer.',
      of((bus) => bus.silent.length),
    ),
  ];
}

function meterFigures({ gateway, profiles, nowMs }: EdgeApiContext): Figure[] {
  const { buses, pushMeters } = gateway.config();
  const status = gateway.status();
  const silent = new Set(status.buses.flatMap((bus) => bus.silent));
  const offsets = new Map(status.clockOffsets?.map(({ meter, offsetSeconds }) => [meter, offsetSeconds]));
  const meters = [
    ...buses.flatMap(({ id, meters: listed }) => listed.map((meter) => ({ bus: id, ...meter }))),
    ...pushMeters.map((meter) => ({ bus: 'push', ...meter })),
  ];
  const age = ({ meter, profile }: (typeof meters)[number]): number | null => {
    const instants = (profiles.get(profile)?.registers ?? []).flatMap(
      ({ obis }) => gateway.lastAccepted(meter, obis)?.atMs ?? [],
    );
    return instants.length === 0 ? null : (nowMs() - Math.max(...instants)) / 1000;
  };
  const of = (value: (meter: (typeof meters)[number]) => number | null): Figure['samples'] =>
    meters.map((meter) => ({ labels: { bus: meter.bus, meter: meter.meter }, value: value(meter) }));
  const polled = new Map(buses.map(({ id }) => [id, gateway.bus(id)]));
  const counts = ({ bus, meter }: (typeof meters)[number]) => polled.get(bus)?.countsOf(meter);
  return [
    counter(
      'meter_requests_total',
      'Requests sent to it by the polls, repeats included.',
      of((meter) => counts(meter)?.requests ?? null),
    ),
    counter(
      'meter_failures_total',
      'Those of them that gave no value.',
      of((meter) => counts(meter)?.failures ?? null),
    ),
    gauge('meter_last_reading_age_seconds', 'Since the last reading that was accepted.', of(age)),
    gauge(
      'meter_silent',
      '1: it does not answer.',
      of(({ meter }) => (silent.has(meter) ? 1 : 0)),
    ),
    gauge(
      'meter_clock_offset_seconds',
      "The meter's clock against the gateway's, of those that tell their time.",
      of(({ meter }) => offsets.get(meter) ?? null),
    ),
  ];
}

function lineFigures({ gateway, nowMs }: EdgeApiContext): Figure[] {
  const { online, lastReceiptAt, oldestBufferedAt, cloudOffset } = gateway.status();
  const { rows, bytes, givenUp, refused } = gateway.buffer();
  const age = (text: string | null): number | null =>
    text === null ? null : (nowMs() - Temporal.Instant.from(text).epochMilliseconds) / 1000;
  const push = gateway.push();
  return [
    gauge('outbox_rows', 'Readings and markers that wait for a receipt.', one(rows)),
    gauge('outbox_bytes', 'What they take.', one(bytes)),
    gauge('outbox_oldest_age_seconds', 'Age of the oldest of them.', one(age(oldestBufferedAt))),
    counter('outbox_given_up_total', 'Readings given up for want of room, or too old.', one(givenUp)),
    counter('outbox_refused_total', 'Readings that found no room.', one(refused)),
    gauge(
      'cloud_clock_offset_seconds',
      "The gateway's clock against the cloud's.",
      one(cloudOffset?.offsetSeconds ?? null),
    ),
    gauge('uplink_connected', '1: there is a session with the broker.', one(online ? 1 : 0)),
    gauge('uplink_last_receipt_age_seconds', 'Since the cloud last said stored.', one(age(lastReceiptAt))),
    counter('push_accepted_total', 'Readings that meters pushed.', one(push?.accepted ?? null)),
    counter('push_repeated_total', 'Pushes that were known already.', one(push?.repeated ?? null)),
    counter(
      'push_refused_total',
      'Pushes that were no reading.',
      Object.entries(push?.refused ?? {}).map(([code, value]) => ({ labels: { code }, value })),
    ),
  ];
}

function processFigures(): Figure[] {
  const { user, system } = process.cpuUsage();
  return [
    {
      name: 'process_resident_memory_bytes',
      help: 'Memory of the process.',
      type: 'gauge',
      samples: one(process.memoryUsage.rss()),
    },
    {
      name: 'process_cpu_seconds_total',
      help: 'Time on the processor, user and system.',
      type: 'counter',
      samples: one((user + system) / 1e6),
    },
  ];
}
