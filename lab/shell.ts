import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { Lab, debians, type Debian } from './index.ts'

// `node lab/shell.ts [--debian trixie] [--luns 8] [command...]`: a storage node for experiments.
const { values, positionals } = parseArgs({
  options: {
    debian: { type: 'string', default: 'bookworm' },
    luns: { type: 'string', default: '8' },
    multipathd: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
if (!debians.includes(values.debian as Debian)) {
  process.stderr.write(`--debian is one of ${debians.join(', ')}\n`)
  process.exit(2)
}

await using lab = await Lab.open()
const node = await lab.boot({ debian: values.debian as Debian, multipathd: values.multipathd })
const target = await node.lio.target({
  iqn: 'iqn.2026-01.dev.lunkeeper:shell',
  portals: ['127.0.0.1:3260', '127.0.0.2:3260', '[::1]:3260'],
})
await target.mapMany(
  Array.from({ length: Number(values.luns) }, (_, lun) => ({
    lun,
    serial: `10ca1${lun.toString(16).padStart(3, '0')}`,
  })),
)

if (positionals.length > 0) process.exitCode = await follow(['sh', '-c', positionals.join(' ')])
else await converse()

async function converse(): Promise<void> {
  process.stdout.write(
    `Linux ${node.kernel}. Target ${target.iqn} at ${target.portals.join(', ')}, LUNs 0-${Number(values.luns) - 1}.\n`,
  )
  process.stdout.write('Each line runs in one shell; `exit` or Ctrl-D switches the machine off.\n')
  const shell = await node.start(['bash', '--noprofile', '--norc'])
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: `${node.name}# ` })
  // Ctrl-C stops the program that runs in the machine, not the machine
  lines.on('SIGINT', () => void shell.kill('SIGINT'))
  lines.prompt()
  for await (const line of lines) {
    if (/^\s*exit\b/.test(line)) break
    const end = `-- ${Math.random()} --`
    const from = shell.stdout.length
    await shell.write(`{ ${line.trim() || ':'}\n} 2>&1 </dev/null; echo; echo '${end}'\n`)
    await shell.output(new RegExp(end), 3_600_000)
    process.stdout.write(shell.stdout.slice(from).replace(new RegExp(`\\n?${end}\\n`), ''))
    process.stdout.write(`${node.name}# `)
  }
  lines.close()
}

async function follow(argv: string[]): Promise<number> {
  const result = await node.run(argv, { deadline: 3_600_000 })
  process.stdout.write(result.stdout)
  process.stderr.write(result.stderr)
  return result.code ?? 1
}
