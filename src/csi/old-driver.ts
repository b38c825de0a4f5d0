/** The Kubernetes project's csi-driver-iscsi, whose volumes Lunkeeper takes over and whose attributes it also reads. */
export const OLD_DRIVER = 'iscsi.csi.k8s.io'
