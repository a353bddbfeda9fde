/** From text to tree. Bounded in length, in parts and in depth: a text that nobody could read is refused. */
import {
  ARGUMENTS,
  type Comparison,
  type FormulaProblem,
  FUNCTIONS,
  type Junction,
  type Node,
  type Operator,
  type Parsed,
  type Span,
} from './syntax.ts';
import { type Token, tokenize } from './tokenize.ts';

const MOST_CHARACTERS = 1_000;
const MOST_TOKENS = 400;
const MOST_DEPTH = 24;

/** Words for `and` and `or` between conditions. */
const JUNCTIONS = new Map<string, Junction>([
  ['and', 'and'],
  ['且', 'and'],
  ['or', 'or'],
  ['或', 'or'],
]);
/** How tightly a sign binds; from left to right within a level. */
const LEVELS = new Map([
  ['or', 1],
  ['and', 2],
  ...['<', '<=', '>', '>=', '=', '<>'].map((sign): [string, number] => [sign, 3]),
  ['+', 4],
  ['-', 4],
  ['*', 5],
  ['/', 5],
]);
const COMPARED = 3;
const UNARY = 6;

/** Carries a problem out of the depth of the tree; it never leaves this file. */
class Refusal extends Error {
  readonly problem: FormulaProblem;
  constructor(problem: FormulaProblem) {
    super(problem.code);
    this.problem = problem;
  }
}

export function parseFormula(text: string): Parsed {
  const whole = { at: 0, length: text.length };
  if (text.length > MOST_CHARACTERS)
    return { ok: false, problem: { code: 'too_long', detail: `${MOST_CHARACTERS}`, ...whole } };
  const found = tokenize(text);
  if (!found.ok) return found;
  if (found.tokens.length > MOST_TOKENS)
    return { ok: false, problem: { code: 'too_long', detail: `${MOST_TOKENS}`, ...whole } };
  try {
    return { ok: true, formula: new Parser(found.tokens).whole() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, problem: error.problem };
    throw error;
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Node {
    const node = this.#binary(1);
    this.#expect('end', '');
    return node;
  }

  #binary(level: number): Node {
    this.#depth += 1;
    if (this.#depth > MOST_DEPTH) throw refusal('too_deep', `${MOST_DEPTH}`, this.#peek());
    let left = this.#unary();
    for (;;) {
      const token = this.#peek();
      const sign = signOf(token);
      const binds = sign === null ? 0 : (LEVELS.get(sign) ?? 0);
      if (sign === null || binds < level) break;
      this.#next += 1;
      const right = this.#binary(binds + 1);
      left = joined({ sign, word: token.text }, left, right);
      // `a < b < c` means nothing here.
      if (binds === COMPARED && LEVELS.get(signOf(this.#peek()) ?? '') === COMPARED)
        throw refusal('unexpected', this.#peek().text, this.#peek());
    }
    this.#depth -= 1;
    return left;
  }

  #unary(): Node {
    const token = this.#peek();
    if (token.kind === 'sign' && token.text === '-') {
      this.#next += 1;
      const of = this.#binary(UNARY);
      return { kind: 'negate', of, span: over(token, of.span) };
    }
    return this.#primary();
  }

  #primary(): Node {
    const token = this.#peek();
    this.#next += 1;
    if (token.kind === 'number') return this.#number(token);
    if (token.kind === 'name' && !JUNCTIONS.has(token.text)) {
      const isCall = this.#peek().kind === 'sign' && this.#peek().text === '(';
      return isCall ? this.#call(token) : { kind: 'name', name: token.text, span: spanOf(token) };
    }
    if (token.kind === 'sign' && token.text === '(') {
      const inner = this.#binary(1);
      const close = this.#expect('sign', ')');
      return { ...inner, span: over(token, close) };
    }
    throw refusal('unexpected', token.text, token);
  }

  #number(token: Token): Node {
    const unit = this.#peek();
    if (unit.kind !== 'unit') return { kind: 'number', text: token.text, unit: null, span: spanOf(token) };
    this.#next += 1;
    return { kind: 'number', text: token.text, unit: unit.text, span: over(token, unit) };
  }

  #call(name: Token): Node {
    const called = Object.hasOwn(FUNCTIONS, name.text)
      ? FUNCTIONS[name.text as keyof typeof FUNCTIONS]
      : undefined;
    if (called === undefined) throw refusal('unknown_function', name.text, name);
    this.#expect('sign', '(');
    const found: Node[] = [this.#binary(1)];
    while (this.#peek().text === ',') {
      this.#next += 1;
      found.push(this.#binary(1));
    }
    const close = this.#expect('sign', ')');
    const span = over(name, close);
    const { least, most } = ARGUMENTS[called];
    if (found.length < least || found.length > most)
      throw refusal('wrong_arguments', least === most ? `${least}` : `${least}-${most}`, span);
    return { kind: 'call', function: called, word: name.text, arguments: found, span };
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#next, this.#tokens.length - 1)] as Token;
  }

  #expect(kind: Token['kind'], text: string): Token {
    const token = this.#peek();
    if (token.kind !== kind || token.text !== text) throw refusal('unexpected', token.text, token);
    this.#next += 1;
    return token;
  }
}

function signOf(token: Token): string | null {
  if (token.kind === 'sign') return token.text;
  return token.kind === 'name' ? (JUNCTIONS.get(token.text) ?? null) : null;
}

function joined({ sign, word }: { sign: string; word: string }, left: Node, right: Node): Node {
  const span = over(left.span, right.span);
  if (sign === 'and' || sign === 'or') return { kind: 'junction', operator: sign, word, left, right, span };
  if (LEVELS.get(sign) === COMPARED)
    return { kind: 'comparison', operator: sign as Comparison, left, right, span };
  return { kind: 'operation', operator: sign as Operator, left, right, span };
}

const spanOf = ({ at, length }: Span): Span => ({ at, length });
const over = (first: Span, last: Span): Span => ({
  at: first.at,
  length: last.at + last.length - first.at,
});
const refusal = (code: FormulaProblem['code'], detail: string, span: Span): Refusal =>
  new Refusal({ code, detail, ...spanOf(span) });
