/** An event as it leaves: CloudEvents 1.0 in structured mode, signed per Standard Webhooks. */
import { createHmac, randomBytes } from 'node:crypto';
import type { OutboxEvent } from '../store/port/outbox.ts';

/** `whsec_` and 32 bytes in base64, as Standard Webhooks wants it. */
export const mintWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** @param source URI reference of the issuer, such as `urn:meterline:park-1` */
export const cloudEvent = ({ id, type, subject, time, data }: OutboxEvent, source: string): string =>
  JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type,
    subject,
    time,
    datacontenttype: 'application/json',
    data: JSON.parse(data),
  });

/** What goes with the body. The receiver knows a repeated event by `Idempotency-Key`, which is the event's id in every attempt. */
export function eventHeaders(
  id: string,
  body: string,
  secret: string,
  nowMs: number,
): Record<string, string> {
  const timestamp = `${Math.floor(nowMs / 1_000)}`;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'idempotency-key': id,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
    'user-agent': 'Meterline',
  };
}
