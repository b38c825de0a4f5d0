import * as z from 'zod/mini'

const text = z.string()
/** A name as the API accepts it (RFC 1123); a line break in one would become a line of the output. */
const name = z
  .string()
  .check(z.maxLength(253), z.regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'it is not a valid object name'))
const texts = z.record(text, text)
const secretRef = z.looseObject({ name, namespace: z.nullish(name) })

/** The parts of a PersistentVolume that are read; the rest is ignored. Field names are the Kubernetes API's. */
export const persistentVolume = z.looseObject({
  kind: z.literal('PersistentVolume'),
  metadata: z.looseObject({
    name,
    labels: z.nullish(texts),
    annotations: z.nullish(texts),
  }),
  status: z.nullish(z.looseObject({ phase: z.nullish(text) })),
  spec: z.looseObject({
    /** The API also accepts a number as a quantity. */
    capacity: z.nullish(z.record(text, z.union([text, z.number()]))),
    accessModes: z.nullish(z.array(text)),
    volumeMode: z.nullish(text),
    mountOptions: z.nullish(z.array(text)),
    nodeAffinity: z.optional(z.unknown()),
    storageClassName: z.nullish(text),
    claimRef: z.nullish(z.looseObject({ namespace: z.nullish(name), name: z.nullish(name) })),
    iscsi: z.nullish(
      z.looseObject({
        targetPortal: text,
        portals: z.nullish(z.array(text)),
        iqn: text,
        lun: z.number(),
        iscsiInterface: z.nullish(text),
        initiatorName: z.nullish(text),
        fsType: z.nullish(text),
        readOnly: z.nullish(z.boolean()),
        chapAuthDiscovery: z.nullish(z.boolean()),
        chapAuthSession: z.nullish(z.boolean()),
        secretRef: z.nullish(secretRef),
      }),
    ),
    csi: z.nullish(
      z.looseObject({
        driver: text,
        volumeHandle: text,
        fsType: z.nullish(text),
        readOnly: z.nullish(z.boolean()),
        volumeAttributes: z.nullish(texts),
        nodeStageSecretRef: z.nullish(secretRef),
        nodePublishSecretRef: z.nullish(secretRef),
      }),
    ),
  }),
})

export type KubernetesObject = Readonly<Record<string, unknown>> & { readonly kind: string }

/** Reports what is left to do or could not be carried over. */
export type Note = (message: string) => void

export type PersistentVolume = z.infer<typeof persistentVolume>

/** A complete PersistentVolume of ours, as `kubectl apply` accepts it. */
export interface OurVolume {
  readonly apiVersion: 'v1'
  readonly kind: 'PersistentVolume'
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: Readonly<Record<string, unknown>> & { readonly csi: OurSource }
}

/** A claim that is bound to a volume of ours by its name. */
export interface OurClaim {
  readonly apiVersion: 'v1'
  readonly kind: 'PersistentVolumeClaim'
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly spec: Readonly<Record<string, unknown>>
}

export interface OurSource {
  readonly driver: string
  readonly volumeHandle: string
  readonly fsType?: string
  readonly readOnly?: true
  readonly volumeAttributes: Readonly<Record<string, string>>
  readonly nodeStageSecretRef?: { readonly name: string; readonly namespace: string }
}
