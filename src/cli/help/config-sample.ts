import type { Option } from '../command.ts'
import { CONFIG_OPTIONS } from '../input/config-file.ts'
import { wrap } from '../output/wrap.ts'

/** The `/etc/lunkeeper/config.yaml` that a package installs: every field, commented out. */
export function configSample(): string {
  const fields = CONFIG_OPTIONS.map(
    (option: Option) => `\n${comment(option.help)}#${option.name}: ${SAMPLES[option.name] ?? 'true'}\n`,
  )
  return `${comment(SAMPLE_HEAD)}${fields.join('')}`
}

const SAMPLE_HEAD =
  'Configuration of Lunkeeper on this node, see lunkeeper.yaml(5). All fields are optional. Each is shown as a comment with an example value. After a change: systemctl reload lunkeeper'

/** Example values. The help of a field names its default. */
const SAMPLES: Readonly<Record<string, string>> = {
  records: '/var/lib/lunkeeper',
  runtime: '/run/lunkeeper',
  'host-root': '/host',
  http: '127.0.0.1:9600',
  repair: 'safe',
  'log-format': 'json',
  'log-level': 'warn',
  'http-token-file': '/etc/lunkeeper/http-token',
  'csi-endpoint': 'unix:///var/lib/kubelet/plugins/iscsi.csi.lunkeeper/csi.sock',
  'csi-driver': 'iscsi.csi.lunkeeper',
  'csi-node': 'node-1',
  kubernetes: 'true',
  'evict-broken': 'true',
  hold: '10m',
  'hold-mode': 'auto',
}

const COMMENT_WIDTH = 78

function comment(text: string): string {
  return wrap(text, COMMENT_WIDTH)
    .map((line) => `# ${line}\n`)
    .join('')
}
