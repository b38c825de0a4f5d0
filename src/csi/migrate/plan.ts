import type { WorkloadPatch } from './inline.ts'
import type { OurClaim, OurVolume } from './persistent-volume.ts'
import { shellWord } from '../../model/shell.ts'

/** One step of a migration. */
export interface PlanStep {
  readonly what: string
  readonly commands: readonly string[]
}

/** A new volume with the PersistentVolume that it replaces; null for an inline volume, which had none. */
export interface Replaced {
  readonly old: string | null
  readonly claim: { readonly namespace: string; readonly name: string } | null
  readonly volume: OurVolume
}

/** How to replace the old objects with the new ones, in order, and how to roll back. */
export function planOf(
  replaced: readonly Replaced[],
  patches: readonly WorkloadPatch[],
  printed: readonly OurClaim[],
): { readonly steps: readonly PlanStep[]; readonly rollback: readonly PlanStep[] } {
  const old = [...new Set(replaced.flatMap(({ old }) => old ?? []))]
  const claims = replaced.flatMap(({ old, claim }) => (old && claim ? [claim] : []))
  const newClaims = replaced.flatMap(({ claim }) => claim ?? [])
  const created = replaced.map(({ volume }) => volume.metadata.name)
  const changes = patches.map(({ kind, namespace, name, patch }) =>
    patch
      ? `kubectl patch ${kind.toLowerCase()} -n ${shellWord(namespace)} ${shellWord(name)} --type strategic -p ${shellWord(JSON.stringify(patch))}`
      : `kubectl delete ${kind.toLowerCase()} -n ${shellWord(namespace)} ${shellWord(name)}`,
  )
  const steps: PlanStep[] = [
    {
      what: 'Save the current objects for a rollback.',
      commands: [
        'kubectl get pv,pvc,deployments,statefulsets,daemonsets,replicasets,replicationcontrollers,cronjobs,jobs,pods -A -o yaml > before.yaml',
      ],
    },
    {
      what: 'Set the reclaim policy to Retain first: no data may be deleted with a claim.',
      commands: old.map(
        (name) =>
          `kubectl patch pv ${shellWord(name)} --type merge -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'`,
      ),
    },
    {
      what: 'Stop the pods that use the volumes (scale their workloads to 0), and wait until the pods are gone and no node has the LUNs any more.',
      commands: ['lunkeeper sessions   # on each node, or: iscsiadm -m session'],
    },
    {
      what: 'Delete the claims and the old volumes; the data is kept.',
      commands: [
        ...claims.map(
          ({ namespace, name }) => `kubectl delete pvc -n ${shellWord(namespace)} ${shellWord(name)}`,
        ),
        ...old.map((name) => `kubectl delete pv ${shellWord(name)}`),
      ],
    },
    {
      what: 'Create the new volumes and the printed claims.',
      commands: ['kubectl apply -f new.yaml'],
    },
    {
      what: 'Recreate the claims that are not printed (they were not in the input), each with the volumeName of its new volume.',
      commands: replaced.flatMap(({ old, claim, volume }) =>
        old && claim && !printed.some(({ metadata }) => isOne(metadata, claim))
          ? [`# ${claim.namespace}/${claim.name}: volumeName: ${volume.metadata.name}`]
          : [],
      ),
    },
    { what: 'Make the workloads use the claims instead of their inline volumes.', commands: changes },
    { what: 'Start the workloads again.', commands: [] },
  ]
  return {
    steps: steps.filter(({ commands }, at) => commands.length > 0 || at === steps.length - 1),
    rollback: [
      { what: 'Stop the pods, and wait until no node has the LUNs any more.', commands: [] },
      {
        what: 'Delete the new claims and volumes; their reclaim policy is Retain.',
        // A PersistentVolume that is bound to a claim is not deleted before its claim (pv-protection).
        commands: [
          ...newClaims.map(
            ({ namespace, name }) => `kubectl delete pvc -n ${shellWord(namespace)} ${shellWord(name)}`,
          ),
          ...created.map((name) => `kubectl delete pv ${shellWord(name)}`),
        ],
      },
      {
        what: 'Recreate the old objects from before.yaml, without uid, resourceVersion, status and claimRef.uid; then start the workloads.',
        commands: [],
      },
    ],
  }
}

type Named = { readonly namespace: string; readonly name: string }

const isOne = (a: Named, b: Named) => a.namespace === b.namespace && a.name === b.name
