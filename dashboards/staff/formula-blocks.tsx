/** A formula as it is written, and as blocks: each part of it a box inside the one that it belongs to. */
import { Fragment } from 'react';
import { parseFormula } from '../../cloud/billing/formula/parse.ts';
import type { Node } from '../../cloud/billing/formula/syntax.ts';
import { termsWords } from '../words/terms.ts';
import { useSession } from './session.ts';

export function FormulaBlocks({ title, text }: { title: string; text: string }) {
  const { language } = useSession();
  const words = termsWords[language];
  const parsed = parseFormula(text);
  return (
    <div className="formula">
      <p>
        <span className="muted">{title}</span> <code>{text}</code>
      </p>
      {parsed.ok ? (
        <div className="blocks">
          <span className="visually-hidden">{words.parts}</span>
          <Block node={parsed.formula} />
        </div>
      ) : (
        <p className="notice bad">
          {words.notParsed}: {parsed.problem.code} {parsed.problem.detail}
        </p>
      )}
    </div>
  );
}

const signs = { '+': '+', '-': '−', '*': '×', '/': '÷' } as const;

function Block({ node }: { node: Node }) {
  switch (node.kind) {
    case 'number':
      return (
        <span className="block number">
          {node.text}
          {node.unit !== null && ` ${node.unit}`}
        </span>
      );
    case 'name':
      return <span className="block name">{node.name}</span>;
    case 'negate':
      return (
        <span className="block">
          − <Block node={node.of} />
        </span>
      );
    case 'call':
      return (
        <span className="block call">
          <strong>{node.word}</strong>
          {node.arguments.map((argument, index) => (
            <Fragment key={argument.span.at}>
              {index > 0 && <span className="sign">,</span>}
              <Block node={argument} />
            </Fragment>
          ))}
        </span>
      );
    case 'operation':
    case 'comparison':
    case 'junction':
      return (
        <span className="block">
          <Block node={node.left} />
          <span className="sign">{signOf(node)}</span>
          <Block node={node.right} />
        </span>
      );
  }
}

function signOf(node: Extract<Node, { kind: 'operation' | 'comparison' | 'junction' }>): string {
  if (node.kind === 'operation') return signs[node.operator];
  return node.kind === 'comparison' ? node.operator : node.word;
}
