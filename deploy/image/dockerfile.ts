import { readFile } from 'node:fs/promises'

/** What the Dockerfile says of its last stage: read from it, so that both builds make the same. */
export interface Recipe {
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  /** Files of the checkout and where in the image they go. */
  readonly copies: readonly { readonly from: string; readonly to: string }[]
  readonly links: readonly { readonly to: string; readonly at: string }[]
}

/** @throws of an instruction that this build would leave out */
export async function readDockerfile(path: string): Promise<Recipe> {
  const lines = (await readFile(path, 'utf8')).split('\n')
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')) + 1)
  const copies: { from: string; to: string }[] = []
  const links: { to: string; at: string }[] = []
  let entrypoint: string[] = []
  let cmd: string[] = []
  for (const line of last.filter((line) => line.trim() !== '' && !line.startsWith('#'))) {
    const [word = '', ...rest] = line.split(' ')
    const link = /^RUN ln -s (\S+) (\S+)$/.exec(line)
    if (word === 'COPY' && rest[0] === '--from=build') {
      const to = rest.at(-1)!
      for (const source of rest.slice(1, -1)) {
        const from = source.replace(/^\/src\//, '')
        copies.push({ from, to: to.endsWith('/') ? `${to}${from}` : to })
      }
    } else if (link) links.push({ to: link[1]!, at: link[2]! })
    else if (word === 'ENTRYPOINT') entrypoint = JSON.parse(rest.join(' ')) as string[]
    else if (word === 'CMD') cmd = JSON.parse(rest.join(' ')) as string[]
    else throw new Error(`${path}: "${line}" is not known to the build without Docker`)
  }
  return { entrypoint, cmd, copies, links }
}
