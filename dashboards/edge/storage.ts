/** Small things that outlive the page. Storage can be closed to us, in a private window or an app's own browser: then memory does. */
const memory = new Map<string, string>();

export function kept<T>(key: string): T | null {
  try {
    const text = memory.get(key) ?? localStorage.getItem(key);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

export function keep(key: string, value: unknown): void {
  const text = JSON.stringify(value);
  try {
    localStorage.setItem(key, text);
    memory.delete(key);
  } catch {
    memory.set(key, text);
  }
}
