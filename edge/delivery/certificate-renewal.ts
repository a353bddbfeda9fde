/** Renews the gateway's certificate when a third of its time is left; a cloud that is away is asked again. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { UplinkTls } from './uplink-tls.ts';

export interface RenewalOptions {
  gateway: string;
  tls: UplinkTls;
  log: Logger;
  nowMs: () => number;
  /** Only tests change it. */
  everyMs?: number;
}

const EVERY_MS = 6 * 60 * 60_000;
const LEFT = 1 / 3;

/** @returns how to stop it */
export function keepCertificate(options: RenewalOptions): () => void {
  const { gateway, tls, log, nowMs, everyMs = EVERY_MS } = options;
  const { renewal } = tls;
  if (renewal === undefined) return () => undefined;
  let underWay = false;
  const look = async (): Promise<void> => {
    if (underWay || !isDue(tls.cert, nowMs())) return;
    underWay = true;
    try {
      // Its libraries are wanted a few times a year.
      const { renewCertificate } = await import('../enrol.ts');
      const until = await renewCertificate(tls, gateway, renewal);
      log.info({ until }, 'certificate renewed');
    } catch (error) {
      log.error({ err: error }, 'the certificate is not renewed: tried again');
    } finally {
      underWay = false;
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  void look();
  return () => clearInterval(timer);
}

/** @throws nothing: what cannot be read is for the uplink to tell */
function isDue(file: string, nowMs: number): boolean {
  try {
    const { validFromDate, validToDate } = new X509Certificate(readFileSync(file));
    const [fromMs, toMs] = [validFromDate.getTime(), validToDate.getTime()];
    return toMs - nowMs < (toMs - fromMs) * LEFT;
  } catch {
    return false;
  }
}
