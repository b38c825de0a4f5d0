import { spawnSync } from 'node:child_process'

import { describe, expect, it, test } from 'vitest'

import { COMMANDS } from '../../../../src/cli/commands.ts'
import { configSample } from '../../../../src/cli/help/config-sample.ts'
import { manPages } from '../../../../src/cli/help/man-pages.ts'
import { entry, example, inline, plain } from '../../../../src/cli/help/roff.ts'
import { CONFIG_OPTIONS, parseConfig } from '../../../../src/cli/input/config-file.ts'

const pages = manPages(COMMANDS, '1.2.3')

describe('the manual pages', () => {
  it('include each command with all flags and examples', () => {
    for (const { name, options, examples } of COMMANDS) {
      const page = pages[`lunkeeper-${name}.8`]
      for (const option of options)
        expect(page).toContain(
          `\n.B "${inline(`${option.short ? `-${option.short}, ` : ''}--${option.name}`)}`,
        )
      for (const { command } of examples) expect(page).toContain(inline(command))
    }
    expect(Object.keys(pages)).toHaveLength(COMMANDS.length + 2)
  })

  it('include every field of the configuration', () => {
    for (const { name } of CONFIG_OPTIONS)
      expect(pages['lunkeeper.yaml.5']).toContain(`\n.B "${inline(name)}: `)
  })

  const groff = spawnSync('groff', ['--version']).status === 0
  it.runIf(groff).each(Object.entries(pages))('groff reports no problem in %s', (_, page) => {
    const { stderr, stdout } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-rLL=80n'], {
      encoding: 'utf8',
      input: page,
    })
    expect(stderr).toBe('')
    expect(stdout).toContain('lunkeeper 1.2.3')
  })
})

test('text is escaped: it contains no requests, fonts or Unicode hyphens', () => {
  expect(plain('.so /etc/passwd')).toBe('\\&.so /etc/passwd\n')
  expect(plain("'quoted' first")).toBe("\\&'quoted' first\n")
  expect(inline(String.raw`a\fBb --set`)).toBe(String.raw`a\efBb \-\-set`)
  expect(inline('wait…')).toBe(String.raw`wait\[u2026]`)
  expect(inline('run `lunkeeper volumes` first')).toBe(String.raw`run \fBlunkeeper volumes\fP first`)
  expect(entry('a "b"', 'text')).toBe('.TP\n.B "a ""b"""\ntext\n')
  expect(example('x', 'a `b`')).toContain("a 'b'")
})

describe('the configuration that a package installs', () => {
  it('sets nothing', () => {
    expect(parseConfig(configSample(), 'config.yaml')).toEqual({ flags: {}, hold: {} })
  })

  it('has every field, and is valid if all comments are removed', () => {
    const all = configSample().replaceAll(/^#(?=[a-z-]+: )/gm, '')
    expect(Object.keys(parseConfig(all, 'config.yaml').flags).toSorted()).toEqual(
      CONFIG_OPTIONS.map(({ name }) => name).toSorted(),
    )
  })
})
