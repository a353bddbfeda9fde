/**
 * `meterline doctor`: what is wrong with this installation, and the next thing to try.
 * Exit codes: 0 nothing, 1 something is wrong, 2 usage or no such file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { loadConfig } from './cloud/config.ts';
import { examineCloud } from './cloud/doctor.ts';
import { examineClock, examineDataDir, examineNode } from './doctor-machine.ts';
import { examineBroker, examinePort } from './doctor-network.ts';
import { examineEdge, gatewayRuns } from './edge/commissioning/doctor.ts';
import { readConfig } from './edge/config.ts';
import { loadProfiles, type Profiles } from './edge/profiles.ts';
import type { Finding } from './protocols/finding.ts';

const USAGE = `Usage: meterline doctor [--config FILE]... [--json]

  --config FILE  an edge.yaml, a cloud.yaml, or the file of \`meterline up\` that names them; may be given more than
                 once. Without it: edge.yaml and cloud.yaml in this folder, where they are
  --json         one JSON document`;

type About = Finding & { about: string };

export async function run(args: string[]): Promise<number> {
  const options = {
    config: { type: 'string', multiple: true },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    return refuse(`${(error as Error).message}\n\n${USAGE}`);
  }
  if (values.help) {
    print(USAGE);
    return 0;
  }
  const files = values.config ?? ['edge.yaml', 'cloud.yaml'].filter((file) => existsSync(file));
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) return refuse(`there is no file ${missing}`);
  const loaded = loadProfiles();
  if (!loaded.ok) return refuse(loaded.errors.join('\n'));

  const findings: About[] = [{ about: 'this machine', ...examineNode() }];
  if (files.length === 0)
    findings.push({ about: 'this machine', ...examineClock(process.cwd(), Date.now()) });
  for (const file of files) findings.push(...(await examineFile(file, loaded.profiles)));
  const ok = findings.every(({ state }) => state !== 'wrong');
  if (values.json) print(JSON.stringify({ ok, findings }));
  else show(findings);
  return ok ? 0 : 1;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function refuse(message: string): number {
  process.stderr.write(`meterline doctor: ${message}\n`);
  return 2;
}

async function examineFile(file: string, profiles: Profiles): Promise<About[]> {
  const keys = topLevelKeys(file);
  const about = (findings: Finding[]): About[] => findings.map((finding) => ({ about: file, ...finding }));
  if (keys.has('gateway')) return about(await edgeFindings(file, profiles));
  if (keys.has('park')) return about(await cloudFindings(file));
  if (!keys.has('cloud') && !keys.has('edges'))
    return about([configurationFinding([`${file}:1: neither an edge's nor a cloud's configuration`])]);
  const findings: About[] = [];
  for (const part of partsOf(file)) {
    const path = resolve(dirname(file), part);
    if (existsSync(path)) findings.push(...(await examineFile(path, profiles)));
    else findings.push(...about([configurationFinding([`${file}: there is no file ${path}`])]));
  }
  return findings;
}

function document(file: string): Record<string, unknown> {
  try {
    const parsed: unknown = parse(readFileSync(file, 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

const topLevelKeys = (file: string): Set<string> => new Set(Object.keys(document(file)));

/** The files that a configuration of `meterline up` names. */
function partsOf(file: string): string[] {
  const { cloud, edges } = document(file);
  return [cloud, ...(Array.isArray(edges) ? edges : [])].filter((part) => typeof part === 'string');
}

function configurationFinding(errors: readonly string[], detail = ''): Finding {
  const check = 'configuration';
  if (errors.length === 0) return { check, state: 'ok', detail };
  return {
    check,
    state: 'wrong',
    detail: errors.join('; '),
    next: 'correct the file: the process does not start on it',
  };
}

async function edgeFindings(file: string, profiles: Profiles): Promise<Finding[]> {
  const checked = readConfig(file, profiles);
  if (!checked.ok) return [configurationFinding(checked.errors)];
  const { config } = checked;
  const { gateway, dataDir, broker, username, password, pushBroker, buses, pushMeters } = config;
  const polled = buses.reduce((count, { meters }) => count + meters.length, 0);
  const running = gatewayRuns(join(dataDir, 'outbox'));
  const detail = `gateway ${gateway}: ${buses.length} buses, ${polled} meters polled, ${pushMeters.length} that push`;
  return [
    configurationFinding([], detail),
    examineDataDir(dataDir),
    examineClock(dataDir, Date.now()),
    running
      ? sessionHeld(broker)
      : await examineBroker({ url: broker, username, password, clientId: gateway }),
    ...(pushBroker === undefined || pushBroker.port === 0
      ? []
      : [await examinePort({ purpose: 'meters that push', ...pushBroker })]),
    ...(await examineEdge(config, profiles, { nowMs: Date.now, running })),
  ];
}

/** A second client of the same name would end the session of the one at work. */
const sessionHeld = (broker: string): Finding => ({
  check: `broker ${new URL(broker).host}`,
  state: 'not_tried',
  detail: 'the gateway is running and has its session there',
  next: 'ask the gateway: its own page (`http` in its configuration) and the staff pages say whether it is connected',
});

async function cloudFindings(file: string): Promise<Finding[]> {
  const loaded = loadConfig(file);
  if (!loaded.ok) return [configurationFinding(loaded.problems)];
  const { config } = loaded;
  const { dataDir, http, broker } = config;
  const brokerFinding =
    'embedded' in broker
      ? examinePort({ purpose: 'the gateways', ...broker.embedded })
      : examineBroker({ ...broker, clientId: `meterline-doctor-${process.pid}` });
  return [
    configurationFinding(
      [],
      `${http.host}:${http.port}, ${'embedded' in broker ? 'embedded' : 'external'} broker`,
    ),
    examineDataDir(dataDir),
    examineClock(dataDir, Date.now()),
    await examinePort({ purpose: 'pages and API', ...http }),
    await brokerFinding,
    ...(await examineCloud(config, loaded.secrets)),
  ];
}

const labels = { ok: 'ok', warning: 'WARNING', wrong: 'WRONG', not_tried: 'untried' };

function show(findings: readonly About[]): void {
  let heading = '';
  for (const { about, check, state, detail, next } of findings) {
    if (about !== heading) print(about);
    heading = about;
    print(`  ${labels[state].padEnd(8)} ${check}: ${detail}`);
    if (next !== undefined) print(`           -> ${next}`);
  }
  const count = (wanted: Finding['state']): number => findings.filter(({ state }) => state === wanted).length;
  print(
    `${count('ok')} ok, ${count('warning')} warnings, ${count('wrong')} wrong, ${count('not_tried')} untried`,
  );
}
