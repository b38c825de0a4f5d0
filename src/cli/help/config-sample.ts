import type { Option } from '../command.ts'
import { CONFIG_OPTIONS } from '../input/config-file.ts'
import { wrap } from '../output/wrap.ts'

/** `/etc/lunkeeper/config.yaml` as a package brings it: every field, none of them in force. */
export function configSample(): string {
  const fields = CONFIG_OPTIONS.map(
    (option: Option) => `\n${comment(option.help)}#${option.name}: ${SAMPLES[option.name] ?? 'true'}\n`,
  )
  return `${comment(SAMPLE_HEAD)}${fields.join('')}`
}

const SAMPLE_HEAD =
  'Configuration of Lunkeeper on this node: lunkeeper.yaml(5). No field is needed: each is here as a comment, with an example. After a change: systemctl reload lunkeeper'

/** Values to try; the help says what holds without the field. */
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
