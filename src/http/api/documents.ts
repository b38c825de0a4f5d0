/** The node as the page and the API show it. A published contract. */
export interface NodeInfo {
  /** Its host name, or its name in Kubernetes. */
  readonly name: string
  /** Version of the agent. */
  readonly version: string
  /** When this agent started. ISO 8601. */
  readonly agentSince: string
  /** Whether the agent accepts changes from clients with a token. */
  readonly changes: boolean
  /** Why the agent is not healthy; null if it is. */
  readonly problem: string | null
}

/** The server's clock: data of the event `clock`. A published contract. */
export interface ServerClock {
  /** ISO 8601. */
  readonly now: string
}
