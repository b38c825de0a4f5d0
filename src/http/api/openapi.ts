/** Description of the API in OpenAPI 3.1. A test compares it with the routes and with an answer of each. */
export const OPENAPI = {
  openapi: '3.1.0',
  info: {
    title: 'Lunkeeper agent',
    version: '1',
    summary: 'The iSCSI volumes of one node',
    description:
      'Served by `lunkeeper agent --http ADDR:PORT`. Clients on the node can read without a token. Clients on other machines, and all changes, need the token of `--http-token-file`. Times are ISO 8601. Within v1, fields may be added but are not changed or removed.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  security: [{}, { token: [] }],
  paths: {
    '/api/v1/openapi.json': {
      get: {
        operationId: 'describe',
        security: [{}],
        summary: 'This description',
        responses: {
          '200': {
            description: 'OpenAPI 3.1',
            content: { 'application/json': { schema: { type: 'object' } } },
          },
          default: failure(),
        },
      },
    },
    '/api/v1/node': read('node', 'The node and its agent', ref('NodeInfo')),
    '/api/v1/volumes': read('volumes', 'All volumes, as `lunkeeper volumes --json`', listOf('Volume')),
    '/api/v1/volumes/{name}': {
      parameters: [nameParameter()],
      ...read('volume', 'One volume, as `lunkeeper volumes NAME --json`', ref('Volume')),
    },
    '/api/v1/sessions': read(
      'sessions',
      'All iSCSI sessions with their disks, as `lunkeeper sessions --json`',
      listOf('Session'),
    ),
    '/api/v1/mounts': read('mounts', 'Mount points of volumes, and the pods that use them', listOf('Mount')),
    '/api/v1/findings': read('findings', 'Findings, as `lunkeeper doctor --json`', ref('Diagnosis')),
    '/api/v1/outages': read(
      'outages',
      'The newest 500 outages of this node, the newest last',
      listOf('Outage'),
    ),
    '/api/v1/events': {
      get: {
        operationId: 'events',
        summary: 'Every change, as server-sent events',
        description:
          'The stream starts with the last state of each event, and continues with each change. The data of `node`, `volumes`, `sessions`, `mounts`, `findings` and `outages` are complete documents, as returned by the routes of the same names (for `findings`, only the list). `clock` is sent at the start and every 15 s. A client that reads too slowly gets only the newest state of each event; one that does not read for 10 s is disconnected.',
        responses: {
          '200': {
            description: 'The events',
            content: { 'text/event-stream': { schema: { type: 'string' } } },
          },
          default: failure(),
        },
      },
    },
    '/api/v1/volumes/{name}/hold': {
      parameters: [nameParameter()],
      post: change(
        'hold',
        'Change how long I/O is held, as `lunkeeper hold NAME --set`; on a hold map, this also works during an outage',
        {
          type: 'object',
          required: ['wanted'],
          properties: {
            wanted: {
              description: 'Seconds, a duration, or `forever`.',
              oneOf: [
                { type: 'integer', minimum: 0 },
                { type: 'string', examples: ['10m', 'forever'] },
              ],
            },
          },
        },
        ref('Volume'),
      ),
    },
    '/api/v1/volumes/{name}/give-up': {
      parameters: [nameParameter()],
      post: change(
        'giveUp',
        'Fail held I/O now, as `lunkeeper hold NAME --give-up`; data that is not on the target yet is lost',
        {
          type: 'object',
          required: ['confirm'],
          properties: { confirm: { type: 'string', description: 'The name of the volume, to confirm.' } },
        },
        ref('Volume'),
      ),
    },
    '/api/v1/fix': {
      post: change(
        'fix',
        'Apply the safe repairs, as `lunkeeper doctor --fix`',
        {
          type: 'object',
          properties: {
            code: {
              type: 'string',
              description:
                'Apply the repairs of this finding only, including those that require consent, as `lunkeeper doctor --fix CODE`.',
            },
            dryRun: {
              type: 'boolean',
              default: false,
              description: 'Report what would be done, and change nothing.',
            },
          },
        },
        ref('Diagnosis'),
      ),
    },
  },
  components: {
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer', description: 'The token of `--http-token-file`.' },
    },
    schemas: {
      Hold: {
        description: 'Seconds, or `forever`.',
        oneOf: [{ type: 'number', minimum: 0 }, { const: 'forever' }],
      },
      NodeInfo: object({
        name: { type: 'string' },
        version: { type: 'string' },
        agentSince: time(),
        changes: {
          type: 'boolean',
          description: 'Whether the agent accepts changes from clients with a token.',
        },
        problem: {
          type: ['string', 'null'],
          description: 'Why the agent is not healthy; null if it is.',
        },
      }),
      Volume: object(
        {
          name: { type: 'string' },
          state: {
            enum: ['ready', 'holding', 'failed', 'fenced', 'misplaced', 'attaching', 'detaching'],
          },
          device: { type: ['string', 'null'] },
          mount: { type: ['string', 'null'] },
          fs: { type: ['string', 'null'] },
          readOnly: { type: 'boolean' },
          ofAnotherMachine: { const: true },
          identity: nullable(
            object({
              wwid: { type: ['string', 'null'] },
              serial: { type: ['string', 'null'] },
              bytes: { type: 'integer' },
            }),
          ),
          hold: object({
            mode: { enum: ['map', 'session', 'multipathd'] },
            wanted: ref('Hold'),
            effective: ref('Hold'),
            since: timeOrNull(),
            deadline: timeOrNull(),
            waiting: nullable(object({ bytes: { type: 'integer' }, of: { enum: ['volume', 'node'] } })),
          }),
          owner: object({
            guard: { enum: ['reservation', 'kubernetes', 'mark', 'none'] },
            mine: { type: ['boolean', 'null'] },
            holder: { type: ['string', 'null'] },
          }),
          paths: {
            type: 'array',
            items: object({
              portal: { type: 'string' },
              iqn: { type: 'string' },
              lun: { type: 'integer' },
              session: { type: ['integer', 'null'] },
              hctl: { type: ['string', 'null'] },
              disk: { type: ['string', 'null'] },
              sessionState: { type: ['string', 'null'] },
              diskState: { type: ['string', 'null'] },
              recoveryTmo: nullable(ref('Hold')),
            }),
          },
        },
        ['ofAnotherMachine'],
      ),
      Session: object({
        sid: { type: 'integer' },
        iqn: { type: 'string' },
        portal: { type: ['string', 'null'] },
        state: { type: 'string' },
        recoveryTmo: ref('Hold'),
        scan: { type: ['string', 'null'] },
        disks: {
          type: 'array',
          items: object({
            hctl: { type: 'string' },
            lun: { type: 'integer' },
            disk: { type: ['string', 'null'] },
            state: { type: 'string' },
            owner: { type: 'string', description: 'A volume, `foreign`, or `phantom`.' },
          }),
        },
      }),
      Mount: object({
        volume: { type: 'string' },
        point: { type: 'string' },
        fs: { type: ['string', 'null'] },
        readOnly: { type: 'boolean' },
        pod: { type: ['string', 'null'], description: 'UID of the pod that uses this mount.' },
      }),
      Finding: object({
        code: { type: 'string' },
        severity: { enum: ['critical', 'warning', 'info'] },
        subject: { type: 'string' },
        message: { type: 'string' },
        evidence: { type: 'object' },
        fix: { type: ['string', 'null'] },
      }),
      Repair: object({
        code: { type: 'string' },
        subject: { type: 'string' },
        action: { type: 'string' },
        done: { type: 'boolean' },
        error: { type: ['string', 'null'] },
      }),
      Diagnosis: object({ findings: listOf('Finding'), repairs: listOf('Repair') }, ['repairs']),
      Outage: object({
        volume: { type: 'string' },
        since: time(),
        failed: { ...timeOrNull(), description: 'When held I/O began to fail.' },
        reason: { enum: [null, 'deadline', 'give-up', 'removed', 'misplaced', 'fenced'] },
        until: { ...timeOrNull(), description: 'When the volume was usable again.' },
        seconds: { type: ['number', 'null'] },
      }),
      Error: object({
        error: object({
          code: {
            type: 'string',
            description: 'See docs/errors.md; also HOST, TOKEN, READ_ONLY and others.',
          },
          message: { type: 'string' },
          hint: { type: 'string' },
        }),
      }),
    },
  },
} as const

function ref(name: string) {
  return { $ref: `#/components/schemas/${name}` }
}

function listOf(name: string) {
  return { type: 'array', items: ref(name) }
}

function nullable(schema: object) {
  return { anyOf: [schema, { type: 'null' }] }
}

function time() {
  return { type: 'string', format: 'date-time' }
}

function timeOrNull() {
  return { type: ['string', 'null'], format: 'date-time' }
}

/**
 * An object whose fields are all required except `optional`. Further fields are allowed, because fields may be added.
 */
function object(properties: Readonly<Record<string, object>>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', required, properties }
}

function nameParameter() {
  return { name: 'name', in: 'path', required: true, schema: { type: 'string' } }
}

function failure() {
  return { description: 'An error', content: { 'application/json': { schema: ref('Error') } } }
}

function read(operationId: string, summary: string, schema: object) {
  return {
    get: {
      operationId,
      summary,
      responses: {
        '200': { description: 'The current state', content: { 'application/json': { schema } } },
        default: failure(),
      },
    },
  }
}

function change(operationId: string, summary: string, body: object, schema: object) {
  return {
    operationId,
    summary,
    security: [{ token: [] }],
    requestBody: { required: true, content: { 'application/json': { schema: body } } },
    responses: {
      '200': { description: 'The state afterwards', content: { 'application/json': { schema } } },
      default: failure(),
    },
  }
}
