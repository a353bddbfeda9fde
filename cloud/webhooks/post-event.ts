/** One attempt to deliver: a POST to an address that was checked. Redirects are not followed, and of the answer only the beginning is read. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { TargetAddress } from './target-address.ts';

export interface Answer {
  /** Null: there was none. */
  status: number | null;
  /** The beginning of the answer, or why there was none. */
  detail: string;
  /** Seconds, where the receiver asked for a pause. */
  retryAfterSeconds: number | null;
}

const DETAIL_BYTES = 500;

export function postEvent(
  { url, address, family }: TargetAddress,
  { body, headers, timeoutMs }: { body: string; headers: Record<string, string>; timeoutMs: number },
): Promise<Answer> {
  return new Promise((resolve) => {
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const failed = (error: Error): void =>
      resolve({ status: null, detail: error.message.slice(0, DETAIL_BYTES), retryAfterSeconds: null });
    const request: ClientRequest = open(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      // The name stays for TLS and the Host header; the address is the one that was checked.
      lookup: (_host, options, done) => {
        if (options.all === true) done(null, [{ address, family }]);
        else done(null, address, family);
      },
      signal: AbortSignal.timeout(timeoutMs),
      agent: false,
    });
    request.on('error', failed);
    request.on('response', (response: IncomingMessage) => {
      let text = '';
      const answered = (): void => {
        const seconds = Number(response.headers['retry-after']);
        resolve({
          status: response.statusCode ?? null,
          detail: text.slice(0, DETAIL_BYTES),
          retryAfterSeconds: Number.isFinite(seconds) && seconds > 0 ? seconds : null,
        });
      };
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length < DETAIL_BYTES) return;
        answered();
        response.destroy();
      });
      response.on('end', answered);
      response.on('error', failed);
    });
    request.end(body);
  });
}
