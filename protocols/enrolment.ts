/** What a gateway and the cloud say to each other over HTTP about the gateway's certificate. All texts are PEM. */
import { z } from 'zod';
import { Id } from './reading.ts';

const Pem = z.string().min(1).max(16_384);

/** `POST /api/v1/enrolments/claim` */
export const EnrolmentClaim = z.strictObject({
  code: z.string().min(1).max(64),
  /** PKCS #10 with a P-256 key that the gateway made. */
  csr: Pem,
  /** The gateway's own name, where it has one: the code has to be for it. */
  gateway: Id.optional(),
});
export type EnrolmentClaim = z.infer<typeof EnrolmentClaim>;

/** `POST /api/v1/enrolments/renew` */
export const EnrolmentRenewal = z.strictObject({
  /** The one that is to be followed by another. */
  certificate: Pem,
  csr: Pem,
  /** Of the text of `csr` with that certificate's key: ECDSA over SHA-256, DER, base64. */
  signature: z.base64().max(512),
});
export type EnrolmentRenewal = z.infer<typeof EnrolmentRenewal>;

/** What both are answered with. */
export const EnrolmentGrant = z.strictObject({
  gateway: Id,
  certificate: Pem,
  /** Whom the gateway has to trust; two while one takes the place of the other. */
  ca: z.string().min(1),
  broker: z.string().regex(/^mqtts:\/\//),
});
export type EnrolmentGrant = z.infer<typeof EnrolmentGrant>;
