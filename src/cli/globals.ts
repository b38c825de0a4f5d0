import type { Option } from './command.ts'

/** The flags that every command has. */
export const GLOBAL_OPTIONS = [
  { name: 'json', help: 'Print one JSON document on stdout and nothing else there.' },
  { name: 'verbose', help: 'Print each step on stderr, and a stack trace for unexpected errors.' },
  { name: 'help', short: 'h', help: 'Show this help.' },
] as const satisfies readonly Option[]

/** The configuration file can set the flags below, those of the agent, and hold and hold-mode of attach. */
export const CONFIG_OPTION = {
  name: 'config',
  value: 'FILE',
  completes: 'file',
  help: 'Configuration file of this node, in YAML. Also LUNKEEPER_CONFIG. Default: /etc/lunkeeper/config.yaml, if it exists.',
} as const satisfies Option

/** The directories of Lunkeeper's own files, and of the host in a container. Tests and unusual machines change them. */
export const PLACE_OPTIONS = [
  {
    name: 'records',
    value: 'DIR',
    completes: 'directory',
    help: 'Directory of the volume records. Also LUNKEEPER_RECORDS. Default: /var/lib/lunkeeper.',
  },
  {
    name: 'runtime',
    value: 'DIR',
    completes: 'directory',
    help: 'Directory of locks and session notes. Also LUNKEEPER_RUNTIME. Default: /run/lunkeeper.',
  },
  {
    name: 'host-root',
    value: 'DIR',
    completes: 'directory',
    help: "In a container: where the host's root directory is mounted. Also LUNKEEPER_HOST_ROOT. The host's programs are used.",
  },
] as const satisfies readonly Option[]
