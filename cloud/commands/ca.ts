/** `meterline ca`: a small private certificate authority. Exit codes: 0 done, 1 there is none such, 2 usage or refused, 3 fault. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { KeyFileError, writeKeyFile, writePublicFile } from '../../process/key-file.ts';
import { Id } from '../../protocols/reading.ts';
import { AuthorityError, initAuthority, openAuthority } from '../certificates/authority.ts';

const USAGE = `Usage: meterline ca init [--name NAME]             a new authority in the folder
       meterline ca issue GATEWAY [--days N]       a gateway's certificate and key, in one file
       meterline ca issue --server HOST [HOST...]  the broker's: all names and addresses that it is called by
       meterline ca revoke GATEWAY|SERIAL          in force within a minute, also for who is connected
       meterline ca list [--json]
       meterline ca rotate                         a second authority that signs from now on; the first stays good
       meterline ca retire                         the oldest authority is good no more

  --folder DIR  of the authority (default ./ca); ca.pem and crl.pem in it are for the broker
  --out DIR     where certificates and keys go (default .)`;

const options = {
  folder: { type: 'string', default: 'ca' },
  out: { type: 'string', default: '.' },
  name: { type: 'string', default: 'Meterline' },
  days: { type: 'string' },
  server: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

interface Asked {
  names: string[];
  values: { folder: string; out: string; name: string; server: boolean; json: boolean; days?: string };
  nowMs: number;
}

class UsageError extends Error {}

const verbs: Record<string, (asked: Asked) => Promise<void>> = {
  async init({ values: { folder, name }, nowMs }) {
    await initAuthority(folder, `${name} 1`, nowMs);
    console.log(
      `${join(folder, 'ca.pem')} is what brokers and gateways trust; keep ${folder} to yourself, and a copy of it.`,
    );
  },
  async issue({ names, values: { folder, out, server, days }, nowMs }) {
    const [first] = names;
    if (first === undefined || (!server && names.length > 1)) throw new UsageError('issue: for whom?');
    if (days !== undefined && !/^[1-9]\d{0,3}$/.test(days))
      throw new UsageError(`--days: "${days}" is no number of days`);
    if (!Id.safeParse(first.replaceAll(':', '-')).success)
      throw new UsageError(`issue: "${first}" is no name`);
    const file = join(out, `${first.replaceAll(':', '-')}.pem`);
    if (existsSync(file)) throw new UsageError(`${file} is there already: remove it, or say another --out`);
    const subject = server
      ? ({ kind: 'server', hosts: names } as const)
      : ({ kind: 'gateway', name: first } as const);
    const authority = openAuthority(folder);
    const pair = await authority.issuePair(subject, {
      nowMs,
      ...(days === undefined ? {} : { days: Number(days) }),
    });
    writeKeyFile(file, pair.key + pair.certificate);
    const trusted = join(out, 'ca.pem');
    if (!existsSync(trusted)) writePublicFile(trusted, authority.trusted());
    console.log(`${file} holds the key and the certificate: both \`key\` and \`cert\` may name it`);
  },
  async revoke({ names, values: { folder }, nowMs }) {
    const [name] = names;
    if (name === undefined) throw new UsageError('revoke: whom?');
    const revoked = await openAuthority(folder).revoke(name, nowMs);
    for (const { serial, name: whose } of revoked) console.log(`revoked: ${serial} ${whose}`);
    if (revoked.length === 0) console.log('was revoked before');
  },
  async list({ values: { folder, json } }) {
    const rows = openAuthority(folder).list();
    if (json) console.log(JSON.stringify(rows));
    else
      for (const { serial, kind, name, expiresAt, revokedAt } of rows)
        console.log(
          [serial, kind.padEnd(7), name.padEnd(24), expiresAt, revokedAt && `revoked ${revokedAt}`].join(
            '  ',
          ),
        );
  },
  async rotate({ values: { folder }, nowMs }) {
    const number = await openAuthority(folder).rotate(nowMs);
    console.log(
      `authority ${number} signs from now on; retire the one before when every gateway has renewed`,
    );
  },
  async retire({ values: { folder }, nowMs }) {
    console.log(`authority ${await openAuthority(folder).retire(nowMs)} is good no more`);
  },
};

export async function run(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [verb = '', ...names] = positionals;
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    const act = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (act === undefined) throw new UsageError(`there is no "ca ${verb}"\n\n${USAGE}`);
    await act({ names, values, nowMs: Date.now() });
    return 0;
  } catch (error) {
    console.error(`meterline ca: ${(error as Error).message}`);
    if (error instanceof AuthorityError) return error.code === 'unknown_certificate' ? 1 : 2;
    const refused =
      error instanceof UsageError || error instanceof KeyFileError || error instanceof TypeError;
    return refused ? 2 : 3;
  }
}
