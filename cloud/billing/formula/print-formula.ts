/** From tree to text: with the fewest parentheses, so that reading it again gives the same tree. */
import type { Node } from './syntax.ts';

/** How tightly a node holds together. */
const BINDING: Record<string, number> = { or: 1, and: 2, comparison: 3, '+': 4, '-': 4, '*': 5, '/': 5 };
const NEGATION = 6;
const ATOM = 7;

export function printFormula(node: Node): string {
  switch (node.kind) {
    case 'number':
      return node.unit === null ? node.text : `${node.text} ${node.unit}`;
    case 'name':
      return node.name;
    case 'negate':
      return `-${within(node.of, NEGATION)}`;
    case 'call':
      return `${node.word}(${node.arguments.map(printFormula).join(', ')})`;
    case 'operation':
    case 'comparison':
    case 'junction': {
      const binding = bindingOf(node);
      // What stands to the right of a sign of its own level needs parentheses: signs are read from the left.
      const isChain = node.kind !== 'comparison';
      return `${within(node.left, isChain ? binding : binding + 1)} ${node.kind === 'junction' ? node.word : node.operator} ${within(node.right, binding + 1)}`;
    }
  }
}

function within(node: Node, least: number): string {
  const text = printFormula(node);
  return bindingOf(node) < least ? `(${text})` : text;
}

function bindingOf(node: Node): number {
  if (node.kind === 'operation' || node.kind === 'junction') return BINDING[node.operator] ?? ATOM;
  if (node.kind === 'comparison') return BINDING.comparison ?? ATOM;
  return node.kind === 'negate' ? NEGATION : ATOM;
}
