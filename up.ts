/** `meterline up`: everything on this machine. Exit codes: 0 stopped, 2 usage or configuration refused, 3 operating fault. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { LEAN_ENVIRONMENT, LEAN_FLAGS } from './process/lean-process.ts';
import { createSupervisor } from './process/supervisor.ts';
import { checkYaml } from './protocols/yaml-document.ts';
import { type LiveEvent, runLive } from './simulators/live/run-live.ts';

const USAGE = `Usage: meterline up [--config FILE] [--port N] [--data DIR] [--seed N]

Without --config: the demo park, live, on simulated meters (real Modbus, real MQTT).
  --port N       of the pages and the API (default 8080)
  --data DIR     databases, keys, logs (default ./data/demo-park)
  --seed N       another park of the same shape (default 1); one that is there keeps its own

With --config: the processes of an installation of your own, restarted when they fail.
  --config FILE  YAML: cloud: cloud.yaml, edges: [edge.yaml, ...]; paths relative to the file`;

const UpConfig = z.strictObject({ cloud: z.string().optional(), edges: z.array(z.string()).default([]) });

export async function run(args: string[]): Promise<number> {
  const options = {
    config: { type: 'string' },
    port: { type: 'string', default: '8080' },
    data: { type: 'string', default: join(import.meta.dirname, 'data', 'demo-park') },
    seed: { type: 'string' },
    help: { type: 'boolean' },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${USAGE}`);
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535)
    return refuse(`--port: "${values.port}" is no port`);
  if (values.seed !== undefined && !/^\d{1,9}$/.test(values.seed))
    return refuse(`--seed: "${values.seed}" is not a whole number`);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  if (values.config !== undefined) return superviseInstallation(values.config, stopping.signal);
  return demoPark(
    {
      folder: resolve(values.data),
      port: Number(values.port),
      seed: values.seed === undefined ? undefined : Number(values.seed),
    },
    stopping.signal,
  );
}

function refuse(message: string): number {
  console.error(`meterline up: ${message}`);
  return 2;
}

async function superviseInstallation(file: string, signal: AbortSignal): Promise<number> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return refuse((error as Error).message);
  }
  const checked = checkYaml(UpConfig, text, file);
  if (!checked.ok) return refuse(checked.errors.join('\n'));
  const { cloud, edges } = checked.value;
  if (cloud === undefined && edges.length === 0)
    return refuse(`${file}:1: names neither a cloud nor an edge`);
  const { promise, resolve: end } = Promise.withResolvers<number>();
  const supervisor = createSupervisor((child, code, killedBy) => {
    console.error(
      `${child} ended (${killedBy ?? code})${code === 2 ? ': its configuration is refused' : ', starting it again'}`,
    );
    if (code === 2) end(2);
  });
  const at = (path: string): string => resolve(dirname(file), path);
  if (cloud !== undefined) supervisor.start({ name: 'cloud', args: ['cloud', '--config', at(cloud)] });
  for (const [i, edge] of edges.entries())
    supervisor.start({
      name: `edge ${i + 1}`,
      args: ['edge', '--config', at(edge)],
      execArgv: LEAN_FLAGS,
      env: LEAN_ENVIRONMENT,
    });
  signal.addEventListener('abort', () => end(0), { once: true });
  const code = await promise;
  await supervisor.stop();
  return code;
}

interface DemoPark {
  folder: string;
  port: number;
  seed: number | undefined;
}

async function demoPark({ folder, port, seed }: DemoPark, signal: AbortSignal): Promise<number> {
  try {
    makeFolder(folder);
  } catch (error) {
    return refuse(`--data: ${(error as Error).message}`);
  }
  try {
    await runLive({ seed, folder, httpPort: port, onEvent: (event) => tell(event, folder), signal });
    console.log('Stopped. The next start goes on from here.');
    return 0;
  } catch (error) {
    console.error(`meterline up: ${(error as Error).message}`);
    return 3;
  }
}

/** One level at a time: Node's own recursion never ends below a file system that refuses new folders. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

let url = '';

function tell(event: LiveEvent, folder: string): void {
  if (event.kind === 'up') {
    url = event.url;
    const password =
      event.freshPassword ?? 'as shown at the first start (METERLINE_OPERATOR_PASSWORD sets another)';
    console.log(
      [
        'Meterline: the demo park on simulated meters, over real Modbus and MQTT.',
        '',
        `  Staff pages        ${url}/`,
        `  Operator password  ${password}`,
        `  API                ${url}/api/openapi.json`,
        `  Data and logs      ${relative(process.cwd(), folder) || '.'} (delete it to start over)`,
        '',
      ].join('\n'),
    );
  } else if (event.kind === 'other_seed') {
    console.error(
      `meterline up: --seed is ignored: ${folder} holds the park of seed ${event.seed}, which goes on; delete it, or choose another folder with --data`,
    );
  } else if (event.kind === 'catching_up') showProgress(event);
  else if (event.kind === 'billed') {
    const [electricity] = event.run.utilities;
    endProgress();
    console.log(
      `${event.run.period} is billed: ${event.run.statements} statements, ${event.run.charges} charges; ` +
        `${electricity?.utility} ¥${electricity?.source} = tenants ¥${electricity?.tenants} + landlord ¥${electricity?.landlord}`,
    );
    if (event.link !== null) console.log(`A tenant's page: ${url}${event.link}`);
  } else {
    endProgress();
    console.log(`Live: ${event.meters} meters, read on every quarter of an hour. Ctrl-C stops.`);
  }
}

function showProgress({ fromMs, atMs, toMs }: Extract<LiveEvent, { kind: 'catching_up' }>): void {
  const day = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO('Asia/Shanghai').toPlainDate();
  const percent = Math.floor((100 * (atMs - fromMs)) / Math.max(toMs - fromMs, 1));
  const line = `Reading the weeks before today through the line: ${day} ${percent} %`;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
  else if (percent >= nextPercent) {
    console.log(`${line} ...`);
    nextPercent = percent - (percent % 10) + 10;
  }
}

/** Where there is no terminal, a line for each tenth. */
let nextPercent = 0;

function endProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
}
