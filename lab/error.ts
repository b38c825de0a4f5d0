/** The lab itself cannot do what was asked: something is missing, or a machine is gone. Never a failed program. */
export class LabError extends Error {
  override readonly name = 'LabError'
}
