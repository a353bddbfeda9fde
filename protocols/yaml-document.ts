/** A YAML document checked against a schema; what is wrong is told by file, line and key. */
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { z } from 'zod';

export type CheckedDocument<T> = { ok: true; value: T } | { ok: false; errors: string[] };

type Path = readonly PropertyKey[];

/**
 * Parses `text` and checks it. Each error is one line, `file:line: key: message`.
 * Duplicate keys, unknown keys, a truncated file and aliases that lead nowhere or grow without measure are errors; `file` is only named.
 */
export function checkYaml<T>(schema: z.ZodType<T>, text: string, file: string): CheckedDocument<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const errors = document.errors.map(
      (e) => `${file}:${lines.linePos(e.pos[0]).line}: (document): ${e.message}`,
    );
    return { ok: false, errors };
  }
  let content: unknown;
  try {
    content = document.toJS();
  } catch (error) {
    const { line } = lines.linePos(offsetOfBadAlias(document));
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, errors: [`${file}:${line}: (document): ${message}`] };
  }
  const checked = schema.safeParse(content);
  if (checked.success) return { ok: true, value: checked.data };
  const errors = checked.error.issues.flatMap((issue) => {
    const paths =
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    const message = issue.code === 'unrecognized_keys' ? 'unknown key' : issue.message;
    return paths.map((path) => {
      const { line } = lines.linePos(offsetOf(document, path));
      return `${file}:${line}: ${path.map(String).join('.') || '(document)'}: ${message}`;
    });
  });
  return { ok: false, errors };
}

/** Where the first alias without an anchor stands; or else the last, as it takes in those before it. */
function offsetOfBadAlias(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias(_, alias) {
      offset = alias.range?.[0] ?? 0;
      return alias.resolve(document) === undefined ? visit.BREAK : undefined;
    },
  });
  return offset;
}

/** Where the key (or list item) at `path` stands; for an absent one, its nearest parent. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = isMap(parent)
      ? parent.items.find((p) => isPair(p) && isScalar(p.key) && p.key.value === key)
      : undefined;
    if (pair !== undefined && isNode(pair.key)) return pair.key.range?.[0] ?? 0;
    const item = document.getIn(path.slice(0, length), true);
    if (isNode(item)) return item.range?.[0] ?? 0;
  }
  return 0;
}
