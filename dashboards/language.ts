/** Chinese or English: the reader's last choice, else what the browser asks for, else Chinese. */
export type Language = 'zh-CN' | 'en';

const KEY = 'meterline-language';

/** Storage can be closed to us, in a private window or an app's own browser. */
function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function chosenLanguage(): Language {
  const choice = stored();
  if (choice === 'zh-CN' || choice === 'en') return choice;
  const preferred = navigator.languages.find((one) => /^(zh|en)\b/i.test(one));
  return preferred !== undefined && /^en/i.test(preferred) ? 'en' : 'zh-CN';
}

export function chooseLanguage(language: Language): void {
  document.documentElement.lang = language;
  try {
    localStorage.setItem(KEY, language);
  } catch {
    // The choice lasts as long as the page.
  }
}

/** The same keys with texts of any wording: a key that one language lacks does not compile. */
export type Translation<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => string ? (...args: A) => string : string;
};
