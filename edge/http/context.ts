/** What every resource of the gateway's API is given, and the words that its routes are declared in. */
import type { Pages } from '../../process/built-pages.ts';
import type { HttpApi } from '../../process/http-server.ts';
import type { GatewayView } from '../gateway-view.ts';
import type { ImportOptions, ImportResult } from '../meter-list/import-meter-list.ts';
import type { Profiles } from '../profiles.ts';

export type EdgeApi = HttpApi;

export type ListToImport = Pick<ImportOptions, 'name' | 'bytes' | 'dryRun' | 'language' | 'map'>;

export interface EdgeApiContext {
  gateway: GatewayView;
  profiles: Profiles;
  nowMs: () => number;
  /** Whether this is the password; null: whoever reaches the server may ask, and that is this machine alone. */
  verifyPassword: ((password: string) => Promise<boolean>) | null;
  /** The page for the LAN; null: none. */
  pages: Pages | null;
  /** Imports a meter list into the gateway's own file, and goes on with it; null: it has none. */
  importList: ((list: ListToImport) => Promise<ImportResult>) | null;
  /** One search along a bus at a time: which it is, by bus. */
  liveWork: Map<string, { kind: 'scan' | 'detect' }>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `open`: anybody, without the password. A route without it cannot be registered. */
    reach?: 'open' | 'signed_in';
    /** The body is a file, not JSON. */
    body?: 'bytes';
  }
}
