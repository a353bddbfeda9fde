/**
 * Signed proofs on their way to the gateway: kept on the phone first, sent when the gateway can be reached. What it refuses
 * stays, with its reason, until a person decides.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import type { EvidenceRequest, KeptEvidence, KeptPhoto } from '../../protocols/edge-api.ts';
import { ask } from '../client.ts';
import type { Language } from '../language.ts';
import { openDatabase } from './database.ts';
import { sendFile } from './send-file.ts';
import { problemOf, useSession } from './session.ts';

export interface QueuedEvidence {
  id: string;
  at: string;
  body: EvidenceRequest;
  /** Null: it waits for the gateway. */
  refusal: Problem | null;
}

export interface EvidenceQueue {
  waiting: readonly QueuedEvidence[];
  /** Since the page was opened, the last first. */
  kept: readonly KeptEvidence[];
  add(body: EvidenceRequest): Promise<void>;
  /** Sends what waits, and `id` although it was refused. */
  retry(id: string): void;
  discard(id: string): void;
}

/** @param reachable whether the gateway answered last */
export function useEvidenceQueue(reachable: boolean): EvidenceQueue {
  const { language, onSignedOut } = useSession();
  const [waiting, setWaiting] = useState<readonly QueuedEvidence[]>([]);
  const [kept, setKept] = useState<readonly KeptEvidence[]>([]);
  const sending = useRef(false);

  const reload = async (): Promise<readonly QueuedEvidence[]> => {
    const all = await (await openDatabase()).all<QueuedEvidence>('evidence');
    all.sort((a, b) => (a.at < b.at ? -1 : 1));
    setWaiting(all);
    return all;
  };
  const flush = async (): Promise<void> => {
    if (sending.current) return;
    sending.current = true;
    try {
      for (const one of await reload()) {
        if (one.refusal !== null) continue;
        const sent = await send(one, language);
        if ('kept' in sent) {
          setKept((before) => [sent.kept, ...before]);
          await forget(one);
        } else if (sent.problem.status === 401) return onSignedOut();
        else if (isPassing(sent.problem)) return;
        else await putBack(one, sent.problem);
        await reload();
      }
    } finally {
      sending.current = false;
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: a gateway that is back gets what waits
  useEffect(() => {
    void (reachable ? flush() : reload());
  }, [reachable]);

  return {
    waiting,
    kept,
    async add(body) {
      const one: QueuedEvidence = {
        id: `${Date.now()} ${body.meter}`,
        at: new Date().toISOString(),
        body,
        refusal: null,
      };
      await (await openDatabase()).put('evidence', one.id, one);
      await flush();
    },
    retry(id) {
      const one = waiting.find((item) => item.id === id);
      if (one !== undefined) void putBack(one, null).then(flush);
    },
    discard(id) {
      const one = waiting.find((item) => item.id === id);
      if (one !== undefined) void forget(one).then(reload);
    },
  };
}

/** The gateway was not reached, or could not do it just now. */
const isPassing = ({ status }: Problem): boolean => status === 0 || status === 429 || status >= 500;

async function send(
  { body }: QueuedEvidence,
  language: Language,
): Promise<{ kept: KeptEvidence } | { problem: Problem }> {
  try {
    if (body.photo !== null) await sendPhoto(body.photo, language);
    return { kept: await ask<KeptEvidence>('/api/v1/evidence', { language, method: 'POST', body }) };
  } catch (error) {
    return { problem: problemOf(error) };
  }
}

async function sendPhoto(sha256: string, language: Language): Promise<void> {
  const file = await (await openDatabase()).get<Blob>('photos', sha256);
  // Sent before, and the answer to the rest was lost: the gateway says so if it has not got it.
  if (file === undefined) return;
  const { body } = await sendFile<KeptPhoto>('/api/v1/photos', file, { type: file.type, language });
  if (body.sha256 !== sha256) throw new Error(`the gateway received another photo: ${body.sha256}`);
}

async function putBack(one: QueuedEvidence, refusal: Problem | null): Promise<void> {
  await (await openDatabase()).put('evidence', one.id, { ...one, refusal });
}

async function forget({ id, body }: QueuedEvidence): Promise<void> {
  const database = await openDatabase();
  await database.remove('evidence', id);
  if (body.photo !== null) await database.remove('photos', body.photo);
}
