import type { ReadableSecret } from '../../host/read/iscsi-site.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'
import { shellWord } from '../../model/shell.ts'

export const secrets: NodeCheck = {
  name: 'permissions of secrets',
  node: ({ facts }) => judgeSecrets(facts.secrets),
}

export function judgeSecrets(files: readonly ReadableSecret[]): Finding[] {
  return files.map(({ path, mode }) => ({
    code: 'SECRET_READABLE',
    severity: 'warning',
    subject: path,
    message: `it has a CHAP password, and users other than root can read it (mode ${mode})`,
    evidence: { path, mode },
    fix: `lunkeeper doctor --fix SECRET_READABLE, or: chmod go-rwx ${shellWord(path)}. Treat the password as compromised, and change it.`,
  }))
}
