/** The lab itself cannot do what was requested: something is missing, or a machine is gone. Never used for a failed program. */
export class LabError extends Error {
  override readonly name = 'LabError'
}
