import { LOG_LEVELS } from '../../model/log-entry.ts'
import type { Option } from '../command.ts'
import { LOG_FORMATS } from '../operation/log-writer.ts'

/** What an agent serves: as flags, and as fields of the configuration. */
export const AGENT_OPTIONS = [
  {
    name: 'http',
    value: 'ADDR:PORT',
    help: 'Serve a page of this node, its API under /api/v1, /metrics for Prometheus, /healthz and /readyz on this address, for example 127.0.0.1:9600. The page and the API show the node to clients on this machine only, and change nothing, unless --http-token-file is given; the others have no access control.',
  },
  {
    name: 'http-token-file',
    value: 'FILE',
    completes: 'file',
    help: 'File with a token of 32 characters or more, readable by its owner only. A client that sends it (Authorization: Bearer TOKEN) may read the page from other machines, and change holds, give up, and apply safe repairs. Read again on SIGHUP.',
  },
  {
    name: 'log-format',
    value: 'text|json',
    choices: LOG_FORMATS,
    help: 'How the log on stderr is written: lines of text, or one JSON object a line with time, level, msg, code, volume and seconds. Default: text; json with --host-root.',
  },
  {
    name: 'log-level',
    value: 'LEVEL',
    choices: LOG_LEVELS,
    help: 'Leave out less important lines: debug, info, warn or error. Default: info.',
  },
  {
    name: 'repair',
    value: 'off|safe',
    choices: ['off', 'safe'],
    help: 'What the agent repairs automatically, every ten minutes while no target is away: nothing, or what `lunkeeper doctor --fix` does, in at most six runs a day. Default: safe.',
  },
  {
    name: 'csi-endpoint',
    section: 'For Kubernetes',
    value: 'unix:///PATH',
    help: 'Serve the Container Storage Interface on this socket.',
  },
  {
    name: 'csi-driver',
    section: 'For Kubernetes',
    value: 'NAME',
    help: "Name of the CSI driver. Default: iscsi.csi.lunkeeper. With iscsi.csi.k8s.io the agent serves that driver's volumes.",
  },
  {
    name: 'csi-node',
    section: 'For Kubernetes',
    value: 'NAME',
    help: 'Node name for CSI. Default: the host name.',
  },
  {
    name: 'csi-volume-health',
    section: 'For Kubernetes',
    help: 'Announce NodeGetVolumeHealth, which is alpha, for kubelets with the feature gate CSIVolumeHealth.',
  },
  {
    name: 'kubernetes',
    section: 'For Kubernetes',
    help: "Report volume state to Kubernetes: events for PersistentVolumes and pods, and a node condition. Uses the service account of the agent's pod.",
  },
  {
    name: 'evict-broken',
    section: 'For Kubernetes',
    help: 'Evict the pods of a failed volume once its target is back, so that they restart with a healthy file system. Requires --kubernetes.',
  },
] as const satisfies readonly Option[]
