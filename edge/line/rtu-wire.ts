/** How long RTU frames take on a serial line. Pure. */

/** Bits of a character: start, 8 data, stop. */
const CHARACTER_BITS = 10;
/** A read request. */
export const REQUEST_CHARACTERS = 8;
/** The frame around the data of an answer. */
export const ANSWER_CHARACTERS = 5;

/** Above this rate the separator of frames no longer shrinks. */
const LAST_SHRINKING_BAUD_RATE = 19_200;
const SHORTEST_SILENCE_MS = 1.75;

/** The silence that separates frames: 3.5 characters, reckoned by the standard with 11 bits. */
export function frameSilenceMs(baudRate: number): number {
  return baudRate > LAST_SHRINKING_BAUD_RATE ? SHORTEST_SILENCE_MS : 38_500 / baudRate;
}

export function charactersMs(characters: number, baudRate: number): number {
  return (characters * CHARACTER_BITS * 1000) / baudRate;
}
