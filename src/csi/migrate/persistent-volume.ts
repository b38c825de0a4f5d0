import * as z from 'zod/mini'

const text = z.string()
const texts = z.record(text, text)
const secretRef = z.looseObject({ name: text, namespace: z.optional(text) })

/** What is read of a PersistentVolume; the rest is passed over. Field names are the Kubernetes API's. */
export const persistentVolume = z.looseObject({
  kind: z.literal('PersistentVolume'),
  metadata: z.looseObject({ name: text, labels: z.optional(texts) }),
  spec: z.looseObject({
    capacity: z.optional(texts),
    accessModes: z.optional(z.array(text)),
    volumeMode: z.optional(text),
    mountOptions: z.optional(z.array(text)),
    nodeAffinity: z.optional(z.unknown()),
    storageClassName: z.optional(text),
    claimRef: z.optional(z.looseObject({ namespace: z.optional(text), name: z.optional(text) })),
    iscsi: z.optional(
      z.looseObject({
        targetPortal: text,
        portals: z.optional(z.array(text)),
        iqn: text,
        lun: z.number(),
        iscsiInterface: z.optional(text),
        initiatorName: z.optional(text),
        fsType: z.optional(text),
        readOnly: z.optional(z.boolean()),
        chapAuthDiscovery: z.optional(z.boolean()),
        chapAuthSession: z.optional(z.boolean()),
        secretRef: z.optional(secretRef),
      }),
    ),
    csi: z.optional(
      z.looseObject({
        driver: text,
        volumeHandle: text,
        fsType: z.optional(text),
        readOnly: z.optional(z.boolean()),
        volumeAttributes: z.optional(texts),
        nodeStageSecretRef: z.optional(secretRef),
        nodePublishSecretRef: z.optional(secretRef),
      }),
    ),
  }),
})

export type PersistentVolume = z.infer<typeof persistentVolume>

/** A PersistentVolume of ours, whole, as `kubectl apply` takes it. */
export interface OurVolume {
  readonly apiVersion: 'v1'
  readonly kind: 'PersistentVolume'
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: Readonly<Record<string, unknown>> & { readonly csi: OurSource }
}

export interface OurSource {
  readonly driver: string
  readonly volumeHandle: string
  readonly fsType?: string
  readonly readOnly?: true
  readonly volumeAttributes: Readonly<Record<string, string>>
  readonly nodeStageSecretRef?: { readonly name: string; readonly namespace: string }
}
