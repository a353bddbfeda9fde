/** What every resource of the API is given, and the words that its routes are declared in. */

import type { Pages } from '../../process/built-pages.ts';
import type { HttpApi } from '../../process/http-server.ts';
import type { Anomaly } from '../../protocols/api.ts';
import type { Park } from '../../protocols/park.ts';
import type { GatewayConfig } from '../../protocols/uplink.ts';
import type { Principal, Requirement } from '../access.ts';
import type { BrokerCounters } from '../broker-counters.ts';
import type { Enrolment } from '../certificates/enrolment.ts';
import type { Clock } from '../clock.ts';
import type { BillingJobs } from '../jobs/billing-jobs.ts';
import type { Store } from '../store/store.ts';
import type { Intake } from '../take-batch.ts';

export type Api = HttpApi;

/** Work that the API starts and does not do itself. */
export interface Jobs {
  /** Re-derives the intervals of the site-local day and looks for anomalies; the ones it found. */
  nightlyCheck(day: string): Promise<Anomaly[]>;
  billing: BillingJobs;
}

export interface ApiContext {
  store: Store;
  park: Park;
  /** The site's time: freshness, days, what is stamped on records. */
  clock: Clock;
  /** The time by which sessions and login windows run out: real, even where the site's is driven. */
  wallClock: Clock;
  jobs: Jobs;
  /** The way of readings into the store. */
  intake: Intake;
  /** Milliseconds since the gateway told its status, or since this process began to listen. */
  silentMs: (gateway: string) => number;
  /** Sends settings to a gateway. */
  sendConfig: (config: GatewayConfig) => void;
  /** Puts a new signing key in the place of the one that signs. */
  rotateKey: () => Promise<unknown>;
  /** Where the pages stand for everybody else, such as `https://bills.example`; null: nobody has said. */
  publicUrl: string | null;
  /** A development setting: webhooks may go to this machine and its networks. */
  allowPrivateWebhooks: boolean;
  /** The secret that the signing key makes of a name: see `statement-links.ts`. */
  statementToken: (name: string) => string;
  /** The authority that gives gateways their certificates; null: none. */
  enrolment: Enrolment | null;
  /** What the embedded broker counts; null: the broker is another program. */
  brokerCounters: (() => Readonly<BrokerCounters> & { connected: number }) | null;
  /** A key with every scope, from the environment; null: none. */
  adminKey: string | null;
  intervalMinutes: number;
  pages: Pages | null;
  /** Sessions' cookies are `Secure`: the service stands behind TLS. */
  secureCookies: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route asks for. A route without it cannot be registered. */
    access?: Requirement;
    /** What it does is on record elsewhere. */
    unaudited?: boolean;
    /** Its body may be zstd as well as JSON. */
    zstd?: boolean;
    /** Answers 304 to a matching If-None-Match. */
    weakEtag?: boolean;
    /** What a repeated request is answered with, from the first answer; absent: the same. */
    replay?: (answer: string) => string;
  }
  interface FastifyInstance {
    /** Every route that was registered, with what it asks for. */
    declaredRoutes: { method: string; url: string; access: Requirement }[];
  }
  interface FastifyRequest {
    /** Null until the request is authenticated. */
    principal: Principal | null;
  }
}
