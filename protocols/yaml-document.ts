/** A YAML document checked against a schema; what is wrong is told by file, line and key. */
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';

export type CheckedDocument<T> = { ok: true; value: T } | { ok: false; errors: string[] };

type Path = readonly PropertyKey[];

/**
 * Parses `text` and checks it. Each error is one line, `file:line: key: message`.
 * Duplicate keys, unknown keys and a truncated file are errors; `file` is only named.
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
  const checked = schema.safeParse(document.toJS());
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
