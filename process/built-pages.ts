/**
 * The built pages. They are built when they are first served, or when their sources have changed, into a folder that is
 * named after the digest of those sources; several processes may do so at once.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { glob, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const root = join(import.meta.dirname, '..');
const script = join(root, 'dashboards/build.ts');
const outRoot = join(root, 'dashboards/dist');
/** What the pages are made of. */
const sourcePatterns = [
  'dashboards/*.{ts,html,css,json}',
  'dashboards/{staff,tenant,edge,words,charts}/**/*.{ts,tsx,css}',
  'protocols/*.ts',
  'cloud/billing/*.ts',
  'package-lock.json',
];
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/** The built pages, or what of them one process serves. */
export interface Pages {
  /** A file of the built dashboards by its path (`/assets/...`, `/index.html`), or null. */
  file(path: string): Promise<PageFile | null>;
}
export interface PageFile {
  body: Buffer;
  gzip: Buffer | null;
  type: string;
  /** Its name holds its digest: it never changes. */
  immutable: boolean;
}

/** The pages could not be built; `cause` has what the builder said. */
export class DashboardsBuildError extends Error {
  override readonly name = 'DashboardsBuildError';
  readonly code = 'dashboards_build';
}

async function sourcesDigest(): Promise<string> {
  const files: string[] = [];
  for await (const file of glob(sourcePatterns, { cwd: root }))
    if (!file.includes('.test.')) files.push(file);
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(`${file}\0`).update(await readFile(join(root, file)));
  return hash.digest('hex').slice(0, 16);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Builds the pages unless they are built from these very sources.
 * @returns the folder that they are in
 * @throws DashboardsBuildError
 */
export async function buildDashboards(): Promise<string> {
  const digest = await sourcesDigest();
  const folder = join(outRoot, digest);
  if (await exists(folder)) return folder;
  await mkdir(outRoot, { recursive: true });
  const draft = join(outRoot, `draft-${process.pid}`);
  try {
    // Whatever the caller runs as, a test or a service: what is kept under the digest is one and the same.
    // biome-ignore lint/style/noProcessEnv: it is handed on, not read
    const env = { ...process.env, NODE_ENV: 'production' };
    await promisify(execFile)(process.execPath, [script, draft], { cwd: root, env });
    await rename(draft, folder).catch(async (error: unknown) => {
      // Another process has built the same in the meantime.
      if (!(await exists(folder))) throw error;
    });
  } catch (cause) {
    throw new DashboardsBuildError('the dashboards could not be built', { cause });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  await removeOlder(digest);
  return folder;
}

async function removeOlder(digest: string): Promise<void> {
  for (const name of await readdir(outRoot))
    if (name !== digest && !name.startsWith('draft-'))
      await rm(join(outRoot, name), { recursive: true, force: true });
}

/** @param page the only one that is wanted; all of them if not given */
async function load(folder: string, page?: string): Promise<Map<string, PageFile>> {
  const files = new Map<string, PageFile>();
  const wanted = page === undefined ? null : await namesIn(folder, page);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    if (wanted !== null && !wanted.has(entry.name)) continue;
    const body = await readFile(file);
    files.set(`/${relative(folder, file)}`, {
      body,
      gzip: await promisify(gzip)(body, { level: 9 }),
      type: types[extname(file)] ?? 'application/octet-stream',
      immutable: entry.parentPath !== folder,
    });
  }
  return files;
}

/** A page and the files that it loads. */
async function namesIn(folder: string, page: string): Promise<Set<string>> {
  const html = await readFile(join(folder, page), 'utf8');
  return new Set([page, ...[...html.matchAll(/"\/assets\/([^"]+)"/g)].map(([, name]) => name ?? '')]);
}

/**
 * Begins to build at once, and serves from memory.
 * @param onError is told when the build fails; the pages stay away
 * @param page the only one that is served; all of them if not given
 */
export function dashboardPages(
  onError: (error: Error) => void,
  page?: string,
): Pages & { ready: Promise<void> } {
  let files: Map<string, PageFile> | null = null;
  const ready = buildDashboards()
    .then((folder) => load(folder, page))
    .then(
      (loaded) => {
        files = loaded;
      },
      (error: Error) => onError(error),
    );
  return { ready, file: async (path) => files?.get(path) ?? null };
}
