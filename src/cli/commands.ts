import type { AnyCommand } from './command.ts'
import { attachCommand } from './commands/attach.ts'
import { agentCommand } from './commands/agent.ts'
import { completionCommand } from './commands/completion.ts'
import { controllerCommand } from './commands/controller.ts'
import { detachCommand } from './commands/detach.ts'
import { doctorCommand } from './commands/doctor.ts'
import { drillCommand } from './commands/drill.ts'
import { expandCommand } from './commands/expand.ts'
import { explainCommand } from './commands/explain.ts'
import { historyCommand } from './commands/history.ts'
import { holdCommand } from './commands/hold.ts'
import { migrateCommand } from './commands/migrate.ts'
import { ownerCommand } from './commands/owner.ts'
import { sessionsCommand } from './commands/sessions.ts'
import { topCommand } from './commands/top.ts'
import { volumesCommand } from './commands/volumes.ts'

/** All commands, in the order of the help. A command loads the code that it needs when it runs. */
export const COMMANDS: readonly AnyCommand[] = [
  attachCommand,
  detachCommand,
  expandCommand,
  holdCommand,
  volumesCommand,
  topCommand,
  sessionsCommand,
  ownerCommand,
  doctorCommand,
  historyCommand,
  explainCommand,
  drillCommand,
  migrateCommand,
  agentCommand,
  controllerCommand,
  completionCommand,
]
