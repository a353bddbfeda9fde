/**
 * The tenant's link to a statement. Its token is made from the signing key, the statement's id and the link's generation, so
 * that it need not be stored: the store knows its hash. Renewing a link ends the one before.
 */
import { digestOf } from '../../process/secrets.ts';
import type { StatementDocument } from '../store/port/billing.ts';
import type { ApiContext } from './context.ts';

/** A tenant may come back to a statement for two years after the days that it bills. */
const lifeYears = 2;

export const linkToken = (
  { statementToken }: Pick<ApiContext, 'statementToken'>,
  statement: string,
  generation: number,
): string => statementToken(generation === 0 ? statement : `${statement}/${generation}`);

/** The statement that a token opens; null when there is none, or the link was renewed or has run out. */
export async function statementOfToken(
  { store, clock }: Pick<ApiContext, 'store' | 'clock'>,
  token: string,
): Promise<StatementDocument | null> {
  const hash = digestOf(token);
  const renewed = await store.statementOfRenewedLink(hash);
  const statement =
    renewed === null ? await store.statementByTokenHash(hash) : await store.statement(renewed);
  if (statement === null) return null;
  if (renewed === null && Object.hasOwn(await store.renewedLinks(), statement.id)) return null;
  const lastDay = Temporal.PlainDate.from(statement.to).add({ years: lifeYears });
  return clock.nowMs() < lastDay.toZonedDateTime('UTC').epochMilliseconds ? statement : null;
}
