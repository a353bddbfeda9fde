/** Passwords and tokens: how they are made, kept and compared, and how often one may guess. */
import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** An unguessable token: 256 bits, safe in an address. */
export const mintToken = (): string => randomBytes(32).toString('base64url');

/** What is stored of a token: 256 random bits need no salt and no slow hash. */
export const digestOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Compares two secrets without telling by its time where, or in how many characters, they differ. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}

/** About 32 MiB and a tenth of a second for each guess. */
const cost: ScryptOptions = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

const deriveKey = (password: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, 32, cost, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });

/** `scrypt:<salt>:<key>` in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await deriveKey(password, salt);
  return `scrypt:${salt.toString('base64url')}:${key.toString('base64url')}`;
}

export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, salt, expected] = stored.split(':');
  if (scheme !== 'scrypt' || salt === undefined || expected === undefined) return false;
  const key = await deriveKey(password, Buffer.from(salt, 'base64url'));
  return sameSecret(key.toString('base64url'), expected);
}

/** Ten wrong guesses from an address, or a hundred from all of them, close the door for the rest of the window. */
const attemptsPerAddress = 10;
const attemptsInAll = 100;
const windowMs = 15 * 60_000;

export interface LoginThrottle {
  /** Counts an attempt before its password is looked at, so that parallel guesses count as well. */
  admit(address: string, nowMs: number): { admitted: boolean; retryAfterSeconds: number };
  /** The attempt was good: it and those before it are forgotten. */
  succeeded(address: string): void;
  /** The attempt was no guess: it is not counted, and those before it stay counted. */
  takeBack(address: string): void;
}

export function loginThrottle(): LoginThrottle {
  const attempts = new Map<string, number>();
  let windowEndMs = 0;
  let inAll = 0;
  return {
    admit(address, nowMs) {
      if (nowMs >= windowEndMs) {
        attempts.clear();
        inAll = 0;
        windowEndMs = nowMs + windowMs;
      }
      const before = attempts.get(address) ?? 0;
      const admitted = before < attemptsPerAddress && inAll < attemptsInAll;
      if (admitted) {
        attempts.set(address, before + 1);
        inAll += 1;
      }
      return { admitted, retryAfterSeconds: Math.ceil((windowEndMs - nowMs) / 1000) };
    },
    succeeded(address) {
      inAll -= attempts.get(address) ?? 0;
      attempts.delete(address);
    },
    takeBack(address) {
      const counted = attempts.get(address) ?? 0;
      if (counted === 0) return;
      attempts.set(address, counted - 1);
      inAll -= 1;
    },
  };
}
