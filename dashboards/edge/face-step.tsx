/** @jsxImportSource preact */
/** The digits on the face, in big numerals. */
import { SubmitButton, TextField } from './fields.tsx';
import type { StepProps } from './prove.tsx';
import { useSession } from './session.ts';

const FACE = /^\d{1,12}(\.\d{1,6})?$/;

export function FaceStep({ draft, change, next }: StepProps) {
  const { words } = useSession();
  const { face } = draft;
  const why = face === '' ? words.needFace : FACE.test(face) ? null : words.badFace;
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        if (why === null) next();
      }}
    >
      <TextField
        label={words.face}
        class="face"
        inputMode="decimal"
        hint={words.faceHint}
        value={face}
        // Other digits may come from other registers.
        onChange={(text) => change({ face: text.trim().replace(/[,，。]/g, '.'), match: null })}
      />
      <SubmitButton why={why}>{words.next}</SubmitButton>
    </form>
  );
}
