import type { Option } from './command.ts'

/** The flags that every command has. */
export const GLOBAL_OPTIONS = [
  { name: 'json', help: 'Print one JSON document on stdout and nothing else there.' },
  { name: 'verbose', help: 'Name each step on stderr, and show where an unknown error came from.' },
  { name: 'help', short: 'h', help: 'Explain the command, and do nothing.' },
] as const satisfies readonly Option[]

/** Its fields are the flags below, those of the agent, and hold and hold-mode of attach. */
export const CONFIG_OPTION = {
  name: 'config',
  value: 'FILE',
  completes: 'file',
  help: 'The configuration of this node, in YAML; LUNKEEPER_CONFIG says it, too. Default: /etc/lunkeeper/config.yaml, if it is there.',
} as const satisfies Option

/** Where Lunkeeper keeps what is its own; for tests and unusual machines. */
export const PLACE_OPTIONS = [
  {
    name: 'records',
    value: 'DIR',
    completes: 'directory',
    help: 'Where the records of volumes are; LUNKEEPER_RECORDS says it, too. Default: /var/lib/lunkeeper.',
  },
  {
    name: 'runtime',
    value: 'DIR',
    completes: 'directory',
    help: 'Where locks and notes on sessions are; LUNKEEPER_RUNTIME says it, too. Default: /run/lunkeeper.',
  },
  {
    name: 'host-root',
    value: 'DIR',
    completes: 'directory',
    help: "In a container: where it sees the host's root directory; LUNKEEPER_HOST_ROOT says it, too. The host's own programs are used.",
  },
] as const satisfies readonly Option[]
