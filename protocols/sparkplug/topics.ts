/** Sparkplug B topics: `spBv1.0/{group}/{type}/{edge node}[/{device}]` (Eclipse Sparkplug 3.0.0, 4). */

const NAMESPACE = 'spBv1.0';
const nodeTypes = ['NBIRTH', 'NDATA', 'NDEATH'] as const;
const deviceTypes = ['DBIRTH', 'DDATA', 'DDEATH'] as const;
/** What a node says, of itself or of a device. */
export type MessageType = (typeof nodeTypes)[number] | (typeof deviceTypes)[number];

export interface SparkplugTopic {
  type: MessageType;
  /** `{group}/{edge node}`: one session. */
  node: string;
  /** '' for the node itself. */
  device: string;
}

/** @returns null when it is no topic on which a node speaks */
export function parseTopic(topic: string): SparkplugTopic | null {
  const [namespace, group = '', type = '', name = '', device, ...rest] = topic.split('/');
  if (namespace !== NAMESPACE || group === '' || name === '' || rest.length > 0) return null;
  const node = `${group}/${name}`;
  const ofNode = nodeTypes.find((known) => known === type);
  if (ofNode !== undefined) return device === undefined ? { type: ofNode, node, device: '' } : null;
  const ofDevice = deviceTypes.find((known) => known === type);
  return ofDevice === undefined || !device ? null : { type: ofDevice, node, device };
}

export function messageTopic({ type, node, device }: SparkplugTopic): string {
  const [group = '', name = ''] = node.split('/');
  return [NAMESPACE, group, type, name, ...(device === '' ? [] : [device])].join('/');
}

/** Where commands to a node are published. */
export function commandTopic(node: string): string {
  const [group = '', name = ''] = node.split('/');
  return `${NAMESPACE}/${group}/NCMD/${name}`;
}

/** The node whose commands a subscription asks for, or null: nothing else may be heard. */
export function listeningNode(filter: string): string | null {
  const match = /^spBv1\.0\/([^/+#]+)\/(?:NCMD|DCMD)\/([^/+#]+)(?:\/#|\/\+)?$/.exec(filter);
  return match === null ? null : `${match[1]}/${match[2]}`;
}
