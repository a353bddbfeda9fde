/** `meterline tariff`: proves a tariff, prices a bill by it, prints its schema. Exit codes: 0 fine, 1 refused, 2 usage or bad file. */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { refuseWords, takeWords } from '../../process/command-line.ts';
import { formatDecimal } from '../../protocols/decimal.ts';
import { TariffDocument, TariffUsage, tariffJsonSchema } from '../../protocols/tariff.ts';
import { checkYaml } from '../../protocols/yaml-document.ts';
import type { Rational } from '../billing/rational.ts';
import { roundUnits } from '../billing/rounding.ts';
import { checkTariff } from '../billing/tariff/check-tariff.ts';
import { type PricedBill, priceTariff } from '../billing/tariff/price-tariff.ts';

const USAGE = `Usage: meterline tariff FILE [--usage FILE] [--json]
       meterline tariff --schema

  FILE          a tariff, YAML or JSON; examples stand in cloud/billing/tariff/library
  --usage FILE  what to bill by it: days, quantities, demand
  --schema      the JSON Schema of a tariff's file
  --json        one JSON document on stdout`;

const options = {
  usage: { type: 'string' },
  schema: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;
const form = { name: 'tariff', usage: USAGE };

export async function run(args: string[]): Promise<number> {
  const taken = takeWords(args, { ...form, options, words: true });
  if ('exitCode' in taken) return taken.exitCode;
  const { values, positionals } = taken;
  if (values.schema) {
    console.log(JSON.stringify(tariffJsonSchema(), null, 2));
    return 0;
  }
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) return refuseWords(form, 'one file is needed');
  const tariff = read(TariffDocument, file);
  if (!tariff.ok) return refuse(...tariff.errors);
  const problems = checkTariff(tariff.value);
  const { json = false } = values;
  if (problems.length > 0) {
    if (json) console.log(JSON.stringify({ ok: false, code: 'tariff_refused', problems }));
    else for (const problem of problems) console.error(`${file}: ${problem}`);
    return 1;
  }
  const { id, version, name, components } = tariff.value;
  if (values.usage === undefined) {
    const proved = `${id} v${version} ${name}: ${components.length} components, every quantity priced once`;
    console.log(json ? JSON.stringify({ ok: true, id, version, problems }) : proved);
    return 0;
  }
  const usage = read(TariffUsage, values.usage);
  if (!usage.ok) return refuse(...usage.errors);
  return show(priceTariff(tariff.value, usage.value), json);
}

function read<T>(
  schema: z.ZodType<T>,
  file: string,
): { ok: true; value: T } | { ok: false; errors: string[] } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { ok: false, errors: [`${file} cannot be read: ${(error as Error).message}`] };
  }
  return checkYaml(schema, text, file);
}

function refuse(...lines: string[]): number {
  for (const line of lines) console.error(line);
  return 2;
}

function show(bill: PricedBill, json: boolean): number {
  if (!bill.ok) {
    if (json) console.log(JSON.stringify(bill));
    else console.error(`meterline tariff: ${bill.detail}`);
    return 1;
  }
  const lines = bill.lines.map(({ component, name, quantity, net, tax }) => ({
    component,
    name,
    quantity: quantity === null ? null : exact(quantity),
    net: exact(net),
    tax: exact(tax),
  }));
  const totals = { net: exact(bill.net), tax: exact(bill.tax), total: exact(bill.total) };
  if (json) console.log(JSON.stringify({ ok: true, lines, ...totals }));
  else {
    for (const line of lines)
      console.log(`${line.net.padStart(14)}  tax ${line.tax.padStart(10)}  ${line.name}`);
    console.log(`${totals.net.padStart(14)}  tax ${totals.tax.padStart(10)}  = ${totals.total}`);
  }
  return 0;
}

const DIGITS = 12;
const exact = (value: Rational): string => formatDecimal(roundUnits(value, DIGITS, 'half_up'), DIGITS);
