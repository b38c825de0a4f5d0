import { expect, test } from 'vitest'

import { parseAttachInput } from '../../../../src/cli/input/attach-input.ts'

const LEAST = { portal: ['10.0.0.5'], iqn: 'iqn.2024-01.example:db', lun: '0' }
const silent = { warn: () => {} }

test('all missing fields are named in one error', async () => {
  await expect(parseAttachInput({}, silent)).rejects.toMatchObject({
    code: 'USAGE',
    message: 'attach requires --portal, --iqn, --lun: they are missing',
  })
  await expect(parseAttachInput({ ...LEAST, lun: undefined! }, silent)).rejects.toMatchObject({
    message: 'attach requires --lun: it is missing',
  })
})

test.each([
  [{ iqn: 'db' }, 'BAD_IQN'],
  [{ portal: ['10.0.0.5', '10.0.0.256'] }, 'BAD_PORTAL'],
  [{ lun: '-1' }, 'BAD_LUN'],
  [{ wwid: 'xyz' }, 'BAD_WWID'],
  [{ name: '../etc' }, 'BAD_NAME'],
  [{ hold: 'soon' }, 'BAD_HOLD'],
  [{ mount: 'srv' }, 'BAD_MOUNT'],
  [{ fs: 'ext4' }, 'BAD_REQUEST'],
])('a wrong value is refused: %j', async (change, code) => {
  await expect(parseAttachInput({ ...LEAST, ...change }, silent)).rejects.toMatchObject({
    code,
    exitStatus: 2,
  })
})

test('the CHAP file is read only after all other values were validated', async () => {
  await expect(
    parseAttachInput({ ...LEAST, lun: 'x', 'chap-file': '/nonexistent' }, silent),
  ).rejects.toMatchObject({ code: 'BAD_LUN' })
})
