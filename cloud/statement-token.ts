/** The tenant's way to a statement: an unguessable token in a link, derived anew whenever it is shown, never stored. */
import { createHash, createHmac } from 'node:crypto';

/** base64url of HMAC-SHA256(secret, statement id). */
export const statementToken = (secret: string | Uint8Array, statement: string): string =>
  createHmac('sha256', secret).update(statement).digest('base64url');

/** What the store holds of a token: who reads the database cannot open a statement's link. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');
