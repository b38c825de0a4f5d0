// Shows the purpose of Lunkeeper on real kernels: one LUN of many, attached and detached; and an outage, side by
// side with plain open-iscsi.
import { runDrill } from '../drill/node-down/drill.ts'
import { live } from '../drill/node-down/live.ts'
import { verdictOn } from '../drill/node-down/numbers.ts'
import { planned, SHORTEST } from '../drill/node-down/plan.ts'
import { summary } from '../drill/node-down/summary.ts'
import { mainJob } from './main-job.ts'
import { scene, seen } from './stage.ts'

const started = Date.now()

await mainJob()

scene(
  'The storage machine dies under two writers',
  'One volume uses stock open-iscsi, the other Lunkeeper. Times are scaled down; "npm run drill" takes longer.',
)
const drill = await runDrill(planned({ outage: SHORTEST }), live(process.stdout))
const verdict = verdictOn(drill)
process.stdout.write(summary(drill, verdict))
seen('the stock writer broke', verdict.stockBroke)
seen("Lunkeeper's writer had no error and lost nothing", verdict.ok)

scene(
  `Done in ${Math.round((Date.now() - started) / 1000)} s`,
  'README.md has the common tasks; "npm test" proves every promise on these kernels.',
)
