/** The gateway's figures as Prometheus text (exposition format 0.0.4). Pure. */

export type Labels = Record<string, string>;
export interface Figure {
  name: string;
  help: string;
  type: 'gauge' | 'counter';
  /** A figure that is not known has no sample. */
  samples: { labels?: Labels; value: number | null }[];
}

/** A backslash, a quote and a line's end are escaped in a label's value. */
const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

export function metricsText(figures: readonly Figure[]): string {
  return figures
    .map(({ name, help, type, samples }) => {
      const lines = samples.flatMap(({ labels = {}, value }) =>
        value === null ? [] : [sample(name, labels, value)],
      );
      return lines.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}
