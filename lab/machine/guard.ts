import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/**
 * Outlives the lab's process by a moment: reads from a pipe which process groups to end, and when the pipe closes
 * for any reason (the lab's end, Ctrl-C, an uncaught error, kill -9), kills them and removes the lab's directory. A
 * stopped machine cannot notice that its own serial line has closed, so this needs a separate process.
 */
const script = `
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
rm -rf -- "$1"
`

export interface Guard {
  /** a process group to end with the lab */
  add(group: number): void
  /** the group has ended without the guard; its number may be reused soon */
  drop(group: number): void
  /** ends everything that is left, removes the directory, and waits for that */
  end(): Promise<void>
}

export function guard(dir: string): Guard {
  const child: ChildProcess = spawn('/bin/sh', ['-c', script, 'lunkeeper-lab-guard', dir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // a separate session: Ctrl-C in the terminal must not end the guard before it has done its work
    detached: true,
    cwd: '/',
  })
  child.unref()
  const stdin = child.stdin!
  stdin.on('error', () => undefined)
  ;(stdin as unknown as { unref?: () => void }).unref?.()
  return {
    add: (group) => void stdin.write(`+ ${group}\n`),
    drop: (group) => void stdin.write(`- ${group}\n`),
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.ref()
      const exited = once(child, 'exit')
      stdin.end()
      await exited
    },
  }
}
