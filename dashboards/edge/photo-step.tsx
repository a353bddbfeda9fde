/** @jsxImportSource preact */
/** A photo of the face, kept on the phone until the gateway has it; its hash is what is signed. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { useEffect, useState } from 'preact/hooks';
import type { Problem } from '../../protocols/api.ts';
import { openDatabase } from './database.ts';
import { ProblemNotice } from './notices.tsx';
import type { StepProps } from './prove.tsx';
import { problemOf, useSession } from './session.ts';

/** Hashed here and not by `crypto.subtle`, which a page without https does not have. */
async function keepPhoto(file: File): Promise<{ sha256: string; bytes: number }> {
  const hash = bytesToHex(sha256(new Uint8Array(await file.arrayBuffer())));
  await (await openDatabase()).put('photos', hash, file);
  return { sha256: hash, bytes: file.size };
}

export function PhotoStep({ draft: { photo }, change, next }: StepProps) {
  const { words } = useSession();
  const [problem, setProblem] = useState<Problem | null>(null);
  const take = (file: File | undefined) => {
    if (file === undefined) return;
    setProblem(null);
    keepPhoto(file).then(
      (kept) => change({ photo: kept }),
      (error: unknown) => setProblem(problemOf(error)),
    );
  };
  return (
    <section class="card">
      <label>
        {words.photo}
        <span class={photo === null ? 'button primary' : 'button'}>{words.takePhoto}</span>
        <input
          type="file"
          class="visually-hidden"
          accept="image/jpeg,image/png,image/webp"
          capture="environment"
          onChange={({ currentTarget }) => take(currentTarget.files?.[0])}
        />
        <span class="muted small">{words.photoHint}</span>
      </label>
      {photo !== null && <Preview sha256={photo.sha256} />}
      {photo !== null && (
        <p class="small">
          {words.digest} <code class="raw">{photo.sha256}</code>
        </p>
      )}
      {problem !== null && <ProblemNotice problem={problem} />}
      <button type="button" class={photo === null ? 'button' : 'button primary'} onClick={next}>
        {photo === null ? words.withoutPhoto : words.next}
      </button>
    </section>
  );
}

function Preview({ sha256: hash }: { sha256: string }) {
  const { words } = useSession();
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    void openDatabase()
      .then((database) => database.get<Blob>('photos', hash))
      .then((file) => {
        if (file === undefined) return;
        made = URL.createObjectURL(file);
        setUrl(made);
      });
    return () => {
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [hash]);
  return url === null ? null : <img class="photo" src={url} alt={words.photo} />;
}
