/**
 * `--gateway URL --bus ID` of the commands that ask meters: through the queue of a running gateway, which has the port open,
 * beside its polls. The output is that of the command itself. Exit codes: 0 got, 1 the meter gave nothing, 2 refused,
 * 3 the gateway or its port cannot be reached.
 */
import type { DetectEvent, LiveFault, LiveRead, ScanEvent } from '../../protocols/edge-api.ts';
import { registerName } from '../../protocols/register-names.ts';
import { UNCLEAR } from '../commissioning/search-addresses.ts';
import { nearText } from '../commissioning/search-register.ts';
import { edgePassword } from '../config.ts';
import type { MeterUnit } from '../line/exchange.ts';
import { faultText } from './fault-text.ts';
import { foundLines } from './found-meter.ts';
import { instantText } from './meter-table.ts';
import { valueText } from './value-text.ts';

export const gatewayOptions = { gateway: { type: 'string' }, bus: { type: 'string' } } as const;
export const GATEWAY_USAGE = `  --gateway URL --bus ID     in the place of a line: through a running gateway that polls this bus, whose password is
                             METERLINE_EDGE_PASSWORD`;

export interface GatewayValues {
  gateway?: string | undefined;
  bus?: string | undefined;
  json?: boolean | undefined;
}

class GatewayRefusal extends Error {
  override readonly name = 'GatewayRefusal';
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Runs `work`; what the gateway refuses is told, with its exit code. */
async function guarded(command: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GatewayRefusal)) throw error;
    console.error(`meterline ${command}: ${error.message}`);
    return error.exitCode;
  }
}

async function ask(
  { gateway = '', bus }: GatewayValues,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  if (bus === undefined) throw new GatewayRefusal('--gateway needs --bus ID', 2);
  const address = `/api/v1/buses/${encodeURIComponent(bus)}/${path}`;
  const url = URL.parse(address, gateway);
  if (url === null)
    throw new GatewayRefusal(`"${gateway}" is not an address such as http://127.0.0.1:8090`, 2);
  const password = edgePassword();
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(password === undefined ? {} : { authorization: `Bearer ${password}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    const reason =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new GatewayRefusal(`the gateway at ${gateway} cannot be reached: ${reason}`, 3);
  });
  if (response.ok) return response;
  const { title = response.statusText, detail = '' } = (await response.json().catch(() => ({}))) as {
    title?: string;
    detail?: string;
  };
  throw new GatewayRefusal(`the gateway refuses: ${title}${detail === '' ? '' : `: ${detail}`}`, 2);
}

/** The events of an answer, a line each; those of a stream of server-sent events without their `data:`. */
async function* eventsOf<E>(response: Response): AsyncGenerator<E> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line.replace(/^data: /, '')) as E;
  }
}

const exitCodeOf = (fault: LiveFault | null, gave: boolean): number =>
  gave ? 0 : fault?.layer === 'port' ? 3 : 1;

export function readThroughGateway(
  values: GatewayValues,
  meter: { unit: MeterUnit; profile: string },
): Promise<number> {
  return guarded('read', async () => {
    const read = (await (await ask(values, 'read', meter)).json()) as LiveRead;
    const { requests, waitedMilliseconds, readings, fault } = read;
    if (values.json) console.log(readDocument(read));
    else {
      for (const line of readLines(read)) console.log(line);
      console.log(
        `${requests} requests, which waited ${waitedMilliseconds} ms for their turns; polling went on`,
      );
    }
    if (fault !== null) console.error(`meterline read: ${faultText(fault)}`);
    return exitCodeOf(fault, readings.length > 0);
  });
}

function readDocument({ profile, unit, requests, waitedMilliseconds, readings, fault }: LiveRead): string {
  const shown = readings.map(({ register, value, unit: of, quality, readAt }) => ({
    register,
    value,
    unit: of,
    quality,
    readAt,
  }));
  return JSON.stringify({ profile, unit, requests, waitedMilliseconds, readings: shown, fault });
}

function readLines({ readings }: LiveRead): string[] {
  const rows = readings.map(({ register, name, billing, ...shown }) => ({
    cells: [register, registerName(register, name, 'en')] as const,
    text: `${valueText(shown)}${billing ? '  <- billed' : ''}`,
  }));
  const width = Math.max(0, ...rows.map(({ cells: [, name] }) => name.length));
  return rows.map(
    ({ cells: [register, name], text }) => `  ${register.padEnd(12)} ${name.padEnd(width)} ${text}`,
  );
}

export function watchThroughGateway(
  values: GatewayValues,
  {
    unit,
    profile,
    intervalSeconds,
    count,
  }: { unit: MeterUnit; profile: string; intervalSeconds: number; count: number },
): Promise<number> {
  return guarded('watch', async () => {
    const leaving = new AbortController();
    process.once('SIGINT', () => leaving.abort());
    const query = new URLSearchParams({ unit: String(unit), profile, interval: String(intervalSeconds) });
    const response = await ask(values, `watch?${query}`, undefined, leaving.signal);
    let gave = false;
    let reads = 0;
    try {
      for await (const read of eventsOf<LiveRead>(response)) {
        const { readings, fault } = read;
        gave ||= readings.length > 0;
        if (values.json) console.log(readDocument(read));
        else
          for (const { readAt, register, name, ...shown } of readings)
            console.log(
              `${instantText(Date.parse(readAt))} ${register} ${registerName(register, name, 'en')} ${valueText(shown)}`,
            );
        if (fault !== null) console.error(faultText(fault));
        reads += 1;
        if (reads >= count) break;
      }
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    }
    leaving.abort();
    return gave ? 0 : 1;
  });
}

export function scanThroughGateway(
  values: GatewayValues,
  { units, timeoutMilliseconds }: { units: number[]; timeoutMilliseconds: number },
): Promise<number> {
  return guarded('scan', async () => {
    const response = await ask(values, 'scan', { units, timeoutMilliseconds });
    const found: object[] = [];
    const progress = process.stderr.isTTY && !values.json;
    for await (const event of eventsOf<ScanEvent>(response)) {
      if (progress && event.type === 'progress')
        process.stderr.write(
          `\r unit ${event.unit}, about ${event.etaSeconds} s left; polling goes on \x1b[K`,
        );
      else if (progress) process.stderr.write('\r\x1b[K');
      if (event.type === 'failed') {
        if (values.json) console.log(JSON.stringify({ probed: 0, found, fault: event.fault }));
        console.error(`meterline scan: ${faultText(event.fault)}`);
        return 3;
      }
      if (event.type === 'done') for (const search of event.unclear) console.error(UNCLEAR[search]);
      if (event.type !== 'found') continue;
      found.push(event.meter);
      if (!values.json) for (const line of foundLines(event.meter)) console.log(line);
    }
    if (values.json) console.log(JSON.stringify({ probed: units.length, found, fault: null }));
    else console.log(`${units.length} addresses tried, ${found.length} found; polling went on`);
    return found.length > 0 ? 0 : 1;
  });
}

export function detectThroughGateway(values: GatewayValues, search: object): Promise<number> {
  return guarded('detect-register', async () => {
    const response = await ask(values, 'detect-register', search);
    for await (const event of eventsOf<DetectEvent>(response)) {
      if (event.type === 'progress') continue;
      const { type: _, waitedMilliseconds, fault, ...report } = event;
      if (fault !== null) console.error(`meterline detect-register: ${faultText(fault)}`);
      if (values.json) console.log(JSON.stringify({ ...report, fault }));
      else
        for (const { functionCode, address, type, order, scale, shows, raw, plausibility } of report.found)
          console.log(
            `  fc ${functionCode}  0x${address.toString(16).padStart(4, '0')} (${address})  ${type} ${order} x ${scale}  shows ${shows}  raw ${raw}  ${plausibility}/100`,
          );
      if (!values.json) for (const one of report.near) console.log(nearText(one));
      if (!values.json)
        console.log(`${report.found.length} found; waited ${waitedMilliseconds} ms; polling went on`);
      return exitCodeOf(fault, report.found.length > 0);
    }
    return 3;
  });
}
