// The answers of the API. docs/dashboard.md describes them.

export interface Session {
  csrfToken: string;
  secondsLeft: number;
  version: string;
}

export interface Point {
  time: number;
  connections: number;
  heldBytes: number;
  opened: number;
  closed: number;
  messages: number;
  toHubs: number;
  toGroups: number;
  toUsers: number;
  toConnections: number;
  deliveries: number;
  deliveryBytes: number;
  clientMessages: number;
  calls: number;
  callMean: number | null;
  callP99: number | null;
  lag: number;
}

export interface Node {
  name: string;
  version: string;
  address: string;
  uptimeSeconds: number;
  seenSeconds: number;
  connections: number;
  lagMilliseconds: number;
}

export interface Overview {
  version: string;
  uptimeSeconds: number;
  ready: boolean;
  notReadyBecause: string | null;
  hubs: number;
  connections: number;
  users: number;
  groups: number;
  rates: Point | null;
  limits: { name: string; limit: number; used: number }[];
  node: string | null;
  nodes: Node[];
  nodesUnknown: boolean;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Hub {
  name: string;
  connections: number;
  users: number;
  groups: number;
  serverConnections: number;
  messages: number;
}

export interface Name {
  name: string;
  connections: number;
}

export interface Connection {
  hub: string;
  connection: string;
  user: string | null;
  transport: string;
  protocol: string;
  groups: number;
  heldBytes: number;
  seconds: number;
}

export interface Details extends Connection {
  mostHeldBytes: number;
  groupNames: string[];
  claims: { type: string; value: string }[];
}

export interface TraceEvent {
  time: number;
  kind: string;
  hub?: string;
  user?: string;
  connection?: string;
  group?: string;
  what?: string;
  bytes?: number;
  outcome?: string;
  milliseconds?: number;
}
