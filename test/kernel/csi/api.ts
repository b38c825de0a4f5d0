import type { LabNode, LabProcess } from '../../../lab/index.ts'
import type { Asked, Mood, Rule, SeenVolumeAttachment, State } from '../../api-server/server.ts'

const PORT = 6443
const ACCOUNT = '/run/serviceaccount'
const DEADLINE_MS = 120_000

export interface SeenEvent {
  readonly reason: string
  readonly type: string
  readonly message: string
  readonly count: number
  readonly involvedObject: { readonly kind: string; readonly name: string }
}

export interface Seen {
  readonly asked: readonly Asked[]
  readonly events: readonly SeenEvent[]
  readonly pods: State['pods']
  readonly conditions: readonly {
    readonly type: string
    readonly status: string
    readonly reason: string
    readonly message: string
  }[]
}

/** A Kubernetes API server inside a machine, beside the agent that uses it. */
export class Api {
  readonly #program: LabProcess
  #asked = 0

  private constructor(program: LabProcess) {
    this.#program = program
  }

  static async start(node: LabNode, state: State, rules: readonly Rule[]): Promise<Api> {
    const program = await node.start([
      'node',
      '/lab/project/test/kernel/guest/api-server.ts',
      String(PORT),
      JSON.stringify(state),
      JSON.stringify(rules),
      ACCOUNT,
    ])
    await program.output(/ready\n/, DEADLINE_MS)
    return new Api(program)
  }

  /** What a kubelet passes to the containers of a pod. */
  readonly env = {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(PORT),
    LUNKEEPER_SERVICE_ACCOUNT: ACCOUNT,
  }

  /** Everything that it has and was asked. @param mood how it must behave from now on */
  async seen(mood?: Mood): Promise<Seen> {
    return this.#command({ mood })
  }

  async #command(command: object): Promise<Seen> {
    const id = ++this.#asked
    await this.#program.write(`${JSON.stringify({ id, ...command })}\n`)
    await this.#program.output(new RegExp(`^${id} .*\n`, 'm'), DEADLINE_MS)
    return JSON.parse(new RegExp(`^${id} (.*)\n`, 'm').exec(this.#program.stdout)![1]!) as Seen
  }

  /** From now on exactly these exist. */
  async attach(attachments: readonly SeenVolumeAttachment[]): Promise<void> {
    await this.#command({ attachments })
  }

  async stop(): Promise<void> {
    await this.#program.kill('SIGKILL')
    await this.#program.exited
  }
}
