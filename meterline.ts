#!/usr/bin/env node
/** The command line: names the command's file and hands it the rest. */

import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

interface Command {
  run(args: string[]): Promise<number>;
}

/** One file per command, loaded only when asked for. */
const commands: Record<string, { about: string; load: () => Promise<Command> }> = {
  up: {
    about: 'everything on this machine; without --config the demo park, live',
    load: () => import('./up.ts'),
  },
  demo: {
    about: 'a whole simulated month through the real line, billed and proved',
    load: () => import('./simulators/commands/demo.ts'),
  },
  edge: { about: 'the gateway process', load: () => import('./edge/commands/edge.ts') },
  cloud: { about: 'the service process', load: () => import('./cloud/commands/cloud.ts') },
  ingest: {
    about: 'one more worker that stores readings, beside the service',
    load: () => import('./cloud/commands/ingest.ts'),
  },
  enrol: { about: 'a certificate for a gateway, with a one-time code', load: () => import('./enrol.ts') },
  ca: { about: 'a small private certificate authority', load: () => import('./cloud/commands/ca.ts') },
  simulate: {
    about: 'simulated meters on sockets and PTYs',
    load: () => import('./simulators/commands/simulate.ts'),
  },
  read: { about: 'read one meter once', load: () => import('./edge/commands/read.ts') },
  scan: { about: 'find who answers on a line', load: () => import('./edge/commands/scan.ts') },
  watch: { about: 'live values of one meter', load: () => import('./edge/commands/watch.ts') },
  'detect-register': {
    about: "which register gives the digits on a meter's face",
    load: () => import('./edge/commands/detect-register.ts'),
  },
  import: {
    about: 'meters from a workbook or CSV file into the configuration',
    load: () => import('./edge/commands/import.ts'),
  },
  export: { about: 'the meters as a workbook or CSV file', load: () => import('./edge/commands/export.ts') },
  'sync-time': {
    about: 'set the clock of a DL/T 645 meter, the only command that changes one',
    load: () => import('./edge/commands/sync-time.ts'),
  },
  doctor: { about: 'what is wrong with this installation', load: () => import('./doctor.ts') },
  profiles: { about: 'list the meter models', load: () => import('./edge/commands/profiles.ts') },
  bill: { about: 'close a billing period', load: () => import('./cloud/commands/bill.ts') },
  'what-if': {
    about: 'a period by another rule or tariff, lease by lease',
    load: () => import('./cloud/commands/what-if.ts'),
  },
  tariff: { about: 'prove a tariff, price a bill by it', load: () => import('./cloud/commands/tariff.ts') },
  reconcile: {
    about: "the supplier's bill against meters and charges",
    load: () => import('./cloud/commands/reconcile.ts'),
  },
  explain: { about: 'one charge, down to the registers', load: () => import('./cloud/commands/explain.ts') },
  verify: { about: 'check a statement offline', load: () => import('./cloud/commands/verify.ts') },
  golden: {
    about: 'run cases with known answers against the pure cores',
    load: () => import('./cloud/commands/golden.ts'),
  },
  bench: { about: 'speed, as ratios to limits and peers', load: () => import('./bench/bench.ts') },
  detect: {
    about: 'what the detectors find in a history of readings',
    load: () => import('./cloud/commands/detect.ts'),
  },
  estimate: {
    about: 'validated and estimated intervals of a history of readings',
    load: () => import('./cloud/commands/estimate.ts'),
  },
  torture: { about: 'kill -9 and what is left after it', load: () => import('./torture/torture.ts') },
};

function usage(): string {
  const rows = Object.entries(commands).map(([name, { about }]) => `  ${name.padEnd(16)} ${about}`);
  return [
    'Usage: meterline <command> [options]   (each command answers --help)',
    '       meterline --version',
    '',
    ...rows,
  ].join('\n');
}

function version(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));
  return version;
}

async function main([name = '', ...args]: string[]): Promise<number> {
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    console.log(usage());
    return name === '' ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    console.log(version());
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    console.error(`meterline: there is no command "${name}"\n\n${usage()}`);
    return 2;
  }
  return (await command.load()).run(args);
}

// Types are stripped once and not at each start.
enableCompileCache();
// Whoever reads the output may have seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));
