import { LOG_LEVELS } from '../../model/log-entry.ts'
import type { Option } from '../command.ts'
import { LOG_FORMATS } from '../operation/log-writer.ts'

/** The flags of the agent, which are also fields of the configuration file. */
export const AGENT_OPTIONS = [
  {
    name: 'http',
    value: 'ADDR:PORT',
    help: 'Serve a page of this node, its API under /api/v1, /metrics for Prometheus, /healthz and /readyz on this address, for example 127.0.0.1:9600. Without --http-token-file, only clients on this machine can read the page and the API, and no client can make changes. /metrics, /healthz and /readyz have no access control.',
  },
  {
    name: 'http-token-file',
    value: 'FILE',
    completes: 'file',
    help: 'File with a token of at least 32 characters, readable by its owner only. A client that sends it (Authorization: Bearer TOKEN) can use the page and the API from other machines, change and give up holds, and make repairs. The file is read again on SIGHUP.',
  },
  {
    name: 'log-format',
    value: 'text|json',
    choices: LOG_FORMATS,
    help: 'Format of the log on stderr: text, or one JSON object per line with time, level, msg, code, volume and seconds. Default: text; json with --host-root.',
  },
  {
    name: 'log-level',
    value: 'LEVEL',
    choices: LOG_LEVELS,
    help: 'Lowest level that is logged: debug, info, warn or error. Default: info.',
  },
  {
    name: 'repair',
    value: 'off|safe',
    choices: ['off', 'safe'],
    help: 'What the agent repairs automatically. off: nothing. safe: what `lunkeeper doctor --fix` repairs, every ten minutes while no target is away, in at most six runs per day. Default: safe.',
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
