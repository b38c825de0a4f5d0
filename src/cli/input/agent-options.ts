import type { Option } from '../command.ts'

/** What an agent serves, as its flags and as fields of the configuration alike. */
export const AGENT_OPTIONS = [
  {
    name: 'http',
    value: 'ADDR:PORT',
    help: 'Serve /metrics for Prometheus, /healthz and /readyz there. Whoever can reach it can read it.',
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
    help: "The driver's name there; iscsi.csi.lunkeeper unless told. With iscsi.csi.k8s.io it serves that driver's volumes.",
  },
  {
    name: 'csi-node',
    section: 'For Kubernetes',
    value: 'NAME',
    help: "This node's name there; the host name unless told.",
  },
  {
    name: 'csi-volume-health',
    section: 'For Kubernetes',
    help: 'Announce NodeGetVolumeHealth, which is alpha, for kubelets with the feature gate CSIVolumeHealth.',
  },
  {
    name: 'kubernetes',
    section: 'For Kubernetes',
    help: "Tell what happens to volumes: events of their PersistentVolumes and pods, a condition of the node. With the service account of the agent's pod.",
  },
  {
    name: 'evict-broken',
    section: 'For Kubernetes',
    help: 'Evict the pods of a volume that failed and whose target is back, so that they start on a healthy file system. Needs --kubernetes.',
  },
] as const satisfies readonly Option[]
