/** `POST /api/v1/import`: a meter list, as a workbook or CSV, into the gateway's own file; whole or not at all. */
import { z } from 'zod';
import { ListImport, ListRefused } from '../../protocols/edge-api.ts';
import { parseColumns } from '../meter-list/remembered-columns.ts';
import type { EdgeApi, EdgeApiContext } from './context.ts';
import { EdgeRefused } from './problems.ts';

const LIST_TYPES = [
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/octet-stream',
  'text/csv',
];
const MOST_LIST_BYTES = 8 * 1024 * 1024;

/** Headings that are not known, by the field that they hold: remembered when the list is taken. JSON in the query. */
const HeadingMap = z
  .string()
  .max(8_000)
  .transform((text, context) => {
    const map = parseColumns(text);
    if (map === null)
      context.addIssue({ code: 'custom', message: 'not {"HEADING": "field"} with fields of a meter list' });
    return map ?? {};
  })
  .default({});

export function importRoutes(api: EdgeApi, { importList }: EdgeApiContext): void {
  if (importList === null) return;
  api.addContentTypeParser(LIST_TYPES, { parseAs: 'buffer', bodyLimit: MOST_LIST_BYTES }, (_, body, done) =>
    done(null, body),
  );
  api.post(
    '/api/v1/import',
    {
      config: { reach: 'signed_in', body: 'bytes' },
      bodyLimit: MOST_LIST_BYTES,
      schema: {
        consumes: LIST_TYPES,
        querystring: z.strictObject({
          name: z.string().regex(/^[^/\\]{1,200}\.(xlsx|csv)$/i, 'a file name ending in .xlsx or .csv'),
          dryRun: z.literal(['true', 'false']).default('true'),
          map: HeadingMap,
        }),
        response: { 200: ListImport, 422: ListRefused },
      },
    },
    async ({ body, query, headers }, reply) => {
      if (!Buffer.isBuffer(body)) throw new EdgeRefused('unsupported_media_type', LIST_TYPES.join(', '));
      const language = /^\s*en\b/i.test(headers['accept-language'] ?? '') ? 'en' : 'zh-CN';
      const result = await importList({
        name: query.name,
        bytes: body,
        dryRun: query.dryRun === 'true',
        map: query.map,
        language,
      });
      if (result.ok) {
        const { written, meters, edge: difference, notTaken } = result;
        return { written, meters, difference, notTaken };
      }
      const { code, detail, problems, answer } = result;
      return reply.status(422).send({
        code,
        detail,
        problems,
        answer:
          answer === null
            ? null
            : { name: answer.name, base64: Buffer.from(answer.bytes).toString('base64') },
      });
    },
  );
}
