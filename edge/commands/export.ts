/**
 * `meterline export`: the gateway's meters as a list to work on. Importing it again changes nothing.
 * Exit codes: 0 written, 2 usage or configuration refused, 3 the file cannot be written.
 */
import { existsSync, readFileSync } from 'node:fs';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import type { Park } from '../../protocols/park.ts';
import { replaceFile } from '../buffer/replace-file.ts';
import { outlineOf } from '../meter-list/edge-document.ts';
import { exportMeterList } from '../meter-list/export-meter-list.ts';
import { readParkText } from '../meter-list/park-document.ts';

const USAGE = `Usage: meterline export FILE.xlsx|FILE.csv [--config edge.yaml] [--park park.yaml]

  --config FILE          the gateway's configuration; default edge.yaml
  --park FILE            the park document, for names, tree, places and multipliers
  --language zh-CN|en    of the headings; default zh-CN`;

const form = { name: 'export', usage: USAGE };
const options = {
  config: { type: 'string', default: 'edge.yaml' },
  park: { type: 'string' },
  language: { type: 'string', default: 'zh-CN' },
} as const;

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options, words: true });
  if ('exitCode' in taken) return taken.exitCode;
  const { values, positionals } = taken;
  const [file = '', ...more] = positionals;
  const format = /\.(xlsx|csv)$/i.exec(file)?.[1]?.toLowerCase();
  if (format === undefined || more.length > 0)
    return refuseWords(form, 'one FILE.xlsx or FILE.csv is needed');
  const { language, config } = values;
  if (language !== 'zh-CN' && language !== 'en') return refuseWords(form, '--language is not zh-CN or en');
  const missing = [config, values.park].find((one) => one !== undefined && !existsSync(one));
  if (missing !== undefined) return refuse(`${missing}: there is no such file`);
  const outline = outlineOf(readFileSync(config, 'utf8'));
  if (outline === null)
    return refuse(
      `${config}: no configuration of a gateway: meterline edge --config ${config} --check-config`,
    );
  let park: Park | null = null;
  if (values.park !== undefined) {
    const read = readParkText(readFileSync(values.park, 'utf8'), values.park);
    if (!read.ok) return refuse(read.errors.join('\n'));
    park = read.park;
  }
  const { meters } = outline;
  try {
    replaceFile(file, exportMeterList({ meters, park, format: format === 'csv' ? 'csv' : 'xlsx', language }));
  } catch (error) {
    console.error(`meterline export: ${error instanceof Error ? error.message : error}`);
    return 3;
  }
  console.log(`${file}: ${meters.length} meters`);
  return 0;
}

function refuse(message: string): number {
  console.error(`meterline export: ${message}`);
  return 2;
}
