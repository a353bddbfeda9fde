/** Asks for something that takes long, and takes what is told of it line by line. */
import { type RequestOptions, request } from '../client.ts';

/**
 * @param onEvent called for each line @param signal ends it: the gateway stops its work when nobody reads any more
 * @throws ProblemError when it is refused
 */
export async function readEvents<E>(
  path: string,
  options: RequestOptions,
  onEvent: (event: E) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await request(path, options);
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  signal.addEventListener('abort', () => void reader.cancel(), { once: true });
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onEvent(JSON.parse(line) as E);
    if (done) return;
  }
}
