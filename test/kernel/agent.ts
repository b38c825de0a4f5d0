import type { LabNode, LabProcess, Target } from '../../lab/index.ts'
import { agentOn } from './node.ts'

/** Starts an agent. @returns it, ready */
export type Launch = (node: LabNode) => Promise<LabProcess>

/** The agent of a machine, which a test can stop and start again. */
export class Agent {
  readonly #node: LabNode
  readonly #launch: Launch
  #process: LabProcess

  private constructor(node: LabNode, launch: Launch, process: LabProcess) {
    this.#node = node
    this.#launch = launch
    this.#process = process
  }

  /** @param launch is also used for later starts */
  static async start(node: LabNode, launch: Launch = agentOn): Promise<Agent> {
    return new Agent(node, launch, await launch(node))
  }

  /** Starts the next agent, after `stop` or `kill`. @param launch for this start only, another way to start it */
  async start(launch = this.#launch): Promise<void> {
    this.#process = await launch(this.#node)
  }

  /** Stops it like systemd. @returns how it ended */
  async stop(): Promise<Awaited<LabProcess['exited']>> {
    await this.#process.kill('SIGTERM')
    return this.#process.exited
  }

  /** Kills it without a chance to clean up. @param alone the programs that it has started stay alive */
  async kill({ alone = false } = {}): Promise<void> {
    await this.#process.kill('SIGKILL', { alone })
    await this.#process.exited
  }

  /** Waits until the running agent has logged this. @param deadline milliseconds */
  async errors(pattern: RegExp, deadline?: number): Promise<RegExpExecArray> {
    return this.#process.errors(pattern, deadline)
  }

  /** Takes the target away, and waits until the running agent has lost all paths of a volume. */
  async outage(target: Target): Promise<void> {
    await target.disable()
    await this.errors(/all paths lost/)
  }

  /** The running agent. */
  get process(): LabProcess {
    return this.#process
  }
}
