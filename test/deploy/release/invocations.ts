/** Every flag of every command once, on a machine with nothing attached and without iSCSI. Without the program's name. */
const TARGET = '--portal 192.0.2.1 --iqn iqn.2024-01.example:db --lun 0'

/** The expected result of a command line: a status, and the error codes that are right if it is not 0. */
export interface Invocation {
  readonly args: string
  readonly status: 0 | 1 | 2 | 3
  readonly code?: string
}

const done = (args: string): Invocation => ({ args, status: 0 })
const fails = (code: string, args: string): Invocation => ({ args, status: 1, code })
const refused = (code: string, args: string): Invocation => ({ args, status: 2, code })

export const INVOCATIONS: readonly Invocation[] = [
  fails(
    'MODULE_MISSING',
    `attach ${TARGET} --name db --wwid naa.600140512345678901234567890abcde --serial aaaa --hold 90s --hold-mode auto --mount /mnt/db --fs ext4 --format --mount-option noatime --chap-file chap --verbose --json`,
  ),
  fails('MODULE_MISSING', `attach ${TARGET} --read-only --shared --config config.yaml`),
  fails('MODULE_MISSING', `attach ${TARGET} --take-over`),
  fails('MODULE_MISSING', `attach ${TARGET} --hold-mode multipathd`),
  fails('MODULE_MISSING', `attach ${TARGET} --hold-mode map --mount /mnt/db --mount-option nouuid`),
  refused('BAD_REQUEST', 'attach --file absent.yaml'),
  done('attach --schema --json'),
  refused('USAGE', 'attach --portal 192.0.2.1 --json'),
  refused('BAD_PORTAL', 'attach --portal 192.0.2.1:x --iqn iqn.2024-01.example:db --lun 0'),
  refused('BAD_IQN', 'attach --portal 192.0.2.1 --iqn db --lun 0 --json'),
  refused('BAD_LUN', 'attach --portal 192.0.2.1 --iqn iqn.2024-01.example:db --lun -1'),
  fails('NOT_FOUND', 'detach db --force --json'),
  fails('NOT_FOUND', 'expand db --json'),
  fails('NOT_FOUND', 'hold db --set 2h --json'),
  fails('NOT_FOUND', 'hold db --give-up'),
  refused('BAD_HOLD', 'hold db --set soon'),
  done('hold --all --give-up'),
  done('hold --all --give-up --grace 1s --shutdown --json'),
  done('volumes --json --records records --runtime runtime'),
  done('volumes --host-root / --json'),
  fails('NOT_FOUND', 'volumes db'),
  done('top'),
  done('sessions --json'),
  fails('NOT_FOUND', 'owner db --json'),
  done('doctor --json'),
  done('doctor --fix --json'),
  done('doctor --fix --dry-run --json'),
  done('doctor --fix PHANTOMS --json'),
  done('doctor --fix SESSION_UNUSED --json'),
  done('history --json'),
  done('explain n1.log --json'),
  done('explain n1.log n2.log --html outage.html'),
  fails('LOG_UNREADABLE', 'explain absent.log'),
  { args: 'explain absent.log lacking.log', status: 1 },
  fails(
    'PROGRAM_MISSING',
    'drill --outage 30 --takeover address --fs xfs --debian trixie --report drill.html --json',
  ),
  fails('PROGRAM_MISSING', 'drill --true-time --timer 120'),
  fails('PROGRAM_MISSING', 'drill --story split'),
  refused('USAGE', 'drill --story split --true-time'),
  done('migrate old.yaml --csi-driver iscsi.csi.lunkeeper --json'),
  done('migrate old.yaml --check'),
  refused('BAD_REQUEST', 'migrate absent.yaml'),
  done('completion bash'),
  done('completion zsh'),
  done('completion fish --json'),
  refused('USAGE', 'completion ksh'),
  done('help'),
  done('help BUSY'),
  done('--help'),
  done('--version'),
  refused('USAGE', 'atach'),
  refused('USAGE', 'worker'),
  done(''),
  refused('BAD_CONFIG', 'volumes --config wrong.yaml'),
]

/** Agents, which run until they are stopped. */
export const AGENTS: readonly string[] = [
  'agent --http 127.0.0.1:9600 --http-token-file token --csi-endpoint unix:///run/csi.sock --csi-driver iscsi.csi.k8s.io --csi-node node-1 --csi-volume-health --repair off --log-format json --log-level info',
]

/** Flags that need Kubernetes: the agent ends at once, and reports what is missing. */
export const CLUSTER: readonly string[] = [
  'controller --csi-endpoint unix:///run/controller.sock --csi-driver iscsi.csi.lunkeeper',
  'agent --kubernetes --evict-broken --csi-endpoint unix:///run/other.sock',
]
