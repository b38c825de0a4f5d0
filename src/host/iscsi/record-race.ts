import type { RunResult } from '../exec/run.ts'

/** ISCSI_ERR_IDBM (open-iscsi include/iscsi_err.h). */
const DATABASE_ERROR = 6
const ATTEMPTS = 10

/**
 * Repeats an iscsiadm command that failed with a database error. Without taking a lock, iscsiadm walks through the
 * records of all targets to find one, and fails if another program removes any of them meanwhile
 * (usr/idbm.c:idbm_for_each_iface). With a damaged database every attempt fails. A command that fails this way has
 * not contacted a target.
 */
export async function repeatOnDatabaseError(command: () => Promise<RunResult>): Promise<RunResult> {
  let ran = await command()
  for (let attempt = 1; attempt < ATTEMPTS && ran.code === DATABASE_ERROR; attempt++) ran = await command()
  return ran
}
