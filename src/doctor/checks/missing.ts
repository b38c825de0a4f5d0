import type { Program } from '../../host/exec/programs.ts'
import { PACKAGE_OF } from '../../host/exec/programs.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

export const missing: NodeCheck = {
  name: 'modules and programs',
  node: ({ facts }) => judgeMissing(facts.modules, facts.programs),
}

export function judgeMissing(modules: readonly string[], programs: readonly Program[]): Finding[] {
  return [
    ...modules.map((module) => ({
      code: 'MODULE_MISSING' as const,
      severity: 'warning' as const,
      subject: module,
      message: 'this kernel has no such module, and volumes of this node need it',
      evidence: { module },
      fix: `Install the modules of the running kernel (Debian: linux-image-$(uname -r)), then: modprobe ${module}. After an upgrade of the kernel: restart the node.`,
    })),
    ...programs.map((program) => ({
      code: 'PROGRAM_MISSING' as const,
      severity: 'warning' as const,
      subject: program,
      message: 'this program is not installed, and volumes of this node need it',
      evidence: { program, package: PACKAGE_OF[program] },
      fix: `Debian and Ubuntu: apt-get install ${PACKAGE_OF[program]}`,
    })),
  ]
}
