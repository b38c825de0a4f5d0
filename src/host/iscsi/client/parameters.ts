/** Parameters that a session for I/O must negotiate, although none is done: all at their minimum. */
export const PARAMETERS = {
  InitialR2T: 'Yes',
  ImmediateData: 'No',
  MaxBurstLength: '65536',
  FirstBurstLength: '65536',
  DefaultTime2Wait: '0',
  DefaultTime2Retain: '0',
  MaxOutstandingR2T: '1',
  ErrorRecoveryLevel: '0',
  MaxConnections: '1',
  DataPDUInOrder: 'Yes',
  DataSequenceInOrder: 'Yes',
} as const
