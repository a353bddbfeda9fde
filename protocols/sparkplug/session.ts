/**
 * What a host knows of an edge node, message by message (Eclipse Sparkplug 3.0.0, 5 and 6.4): births give metrics their
 * names, aliases and datatypes; each message carries the next number from 0 to 255.
 *
 * A lost message may have been a birth that gave aliases another meaning. So after a gap in the numbers every birth is
 * forgotten, and only what names itself is taken, until the node is born again: an alias never gives another metric's
 * value.
 */
import type { PushFault, PushRefusal } from '../pushed-value.ts';
import type { Metric, Payload } from './payload.ts';
import type { SparkplugTopic } from './topics.ts';

/** A metric that is known by name and datatype. */
export interface NamedMetric extends Metric {
  name: string;
  datatype: number;
}

interface Birth {
  byAlias: ReadonlyMap<bigint, { name: string; datatype: number }>;
  datatypes: ReadonlyMap<string, number>;
}

/** A node that is online. */
export interface NodeSession {
  /** The number of the session, which its death repeats; null when the birth has none. */
  birthDeathSequence: bigint | null;
  lastSequence: number;
  /** By device; '' is the node itself. */
  births: ReadonlyMap<string, Birth>;
}

export interface SessionStep {
  /** Null when the node is offline, or was never heard. */
  session: NodeSession | null;
  metrics: NamedMetric[];
  refused: PushFault[];
  /** True when the node should send its births again. */
  rebirth: boolean;
}

const BIRTH_DEATH_SEQUENCE = 'bdSeq';
const SEQUENCES = 256;

/** The session after a message, and what the message says. */
export function stepSession(
  session: NodeSession | null,
  topic: SparkplugTopic,
  payload: Payload,
): SessionStep {
  if (topic.type === 'NDEATH') return die(session, payload);
  const { sequence } = payload;
  if (sequence === undefined)
    return { session, metrics: [], refused: [fault(topic, 'missing_sequence', topic.type)], rebirth: true };
  if (topic.type === 'NBIRTH') {
    const born: NodeSession = {
      birthDeathSequence: birthDeathSequence(payload),
      lastSequence: sequence,
      births: new Map([['', birthOf(payload)]]),
    };
    return { session: born, ...resolve(topic, payload, born.births.get('')), rebirth: false };
  }
  const gap = session !== null && (session.lastSequence + 1) % SEQUENCES !== sequence;
  const births = new Map(gap ? [] : session?.births);
  if (topic.type === 'DBIRTH') births.set(topic.device, birthOf(payload));
  const resolved = resolve(topic, payload, births.get(topic.device));
  if (topic.type === 'DDEATH') births.delete(topic.device);
  return {
    session: session && { ...session, lastSequence: sequence, births },
    ...resolved,
    rebirth: session === null || gap || resolved.refused.length > 0,
  };
}

const fault = ({ device }: SparkplugTopic, code: PushRefusal, detail: string): PushFault => ({
  code,
  detail,
  ...(device === '' ? {} : { device }),
});

/** A death is the will of its connection: that of an earlier one may come after the next birth. */
function die(session: NodeSession | null, payload: Payload): SessionStep {
  const ended = birthDeathSequence(payload);
  const stale =
    session !== null && session.birthDeathSequence !== null && session.birthDeathSequence !== ended;
  if (!stale) return { session: null, metrics: [], refused: [], rebirth: false };
  const detail = `${BIRTH_DEATH_SEQUENCE} ${ended ?? 'missing'}, not ${session.birthDeathSequence}`;
  return { session, metrics: [], refused: [{ code: 'stale_death', detail }], rebirth: false };
}

function birthDeathSequence({ metrics }: Payload): bigint | null {
  const value = metrics.find(({ name }) => name === BIRTH_DEATH_SEQUENCE)?.value;
  return value?.kind === 'integer' ? value.raw : null;
}

/** An alias that a birth gives to two metrics tells neither. */
function birthOf({ metrics }: Payload): Birth {
  const byAlias = new Map<bigint, { name: string; datatype: number }>();
  const doubled = new Set<bigint>();
  const datatypes = new Map<string, number>();
  for (const { name, alias, datatype } of metrics) {
    if (name === undefined || datatype === undefined) continue;
    datatypes.set(name, datatype);
    if (alias === undefined) continue;
    if ((byAlias.get(alias)?.name ?? name) !== name) doubled.add(alias);
    byAlias.set(alias, { name, datatype });
  }
  for (const alias of doubled) byAlias.delete(alias);
  return { byAlias, datatypes };
}

/** What cannot be told is one refusal a message, whatever the number of its metrics. */
function resolve(
  topic: SparkplugTopic,
  { metrics }: Payload,
  birth: Birth | undefined,
): Pick<SessionStep, 'metrics' | 'refused'> {
  const named: NamedMetric[] = [];
  const unknown: string[] = [];
  for (const metric of metrics) {
    const known = metric.alias === undefined ? undefined : birth?.byAlias.get(metric.alias);
    const name = metric.name ?? known?.name;
    const datatype =
      metric.datatype ?? (metric.name === undefined ? known?.datatype : birth?.datatypes.get(metric.name));
    if (name !== undefined && datatype !== undefined) named.push({ ...metric, name, datatype });
    else unknown.push(metric.name ?? `alias ${metric.alias ?? 'missing'}`);
  }
  if (unknown.length === 0) return { metrics: named, refused: [] };
  const [first = ''] = unknown;
  const detail = `${topic.type}: ${first}${unknown.length > 1 ? ` and ${unknown.length - 1} more` : ''}`;
  const code = birth === undefined ? 'no_birth' : 'unknown_alias';
  return { metrics: named, refused: [fault(topic, code, detail)] };
}
