import type { VolumeStatus } from '../../model/attachment.ts'
import { command } from '../command.ts'
import type { VolumeFileSchema } from '../input/volume-file.ts'
import { VOLUME_OPTIONS } from '../input/volume-options.ts'
import { volumeText } from '../output/volume.ts'

export const attachCommand = command({
  name: 'attach',
  group: 'change',
  summary: 'Attach one LUN to this node, and optionally mount it',
  about:
    'Logs in, attaches exactly this LUN, verifies that it is the expected volume, and mounts it. Whatever already exists is verified and reused, so the command can be run again safely. If it fails, everything it created is removed. A volume that contains data is never formatted.',
  usage: ['--portal HOST[:PORT] --iqn IQN --lun N [OPTIONS]', '-f FILE'],
  options: [
    ...VOLUME_OPTIONS,
    {
      name: 'take-over',
      section: 'Take over from another node',
      help: 'Take the volume from its current node. That node can no longer write to it, and its unwritten data is lost. Use this only if that node is dead or permanently cut off.',
    },
    {
      name: 'file',
      section: 'From a file',
      short: 'f',
      value: 'FILE',
      completes: 'file',
      help: 'Read the options from a YAML file: the same names, without the dashes. "-" is stdin.',
    },
    { name: 'schema', section: 'From a file', help: 'Print the JSON Schema of that file and exit.' },
  ],
  examples: [
    {
      command: 'lunkeeper attach --portal 10.0.0.5 --iqn iqn.2024-01.example:db --lun 0',
      does: 'a raw disk',
    },
    {
      command:
        'lunkeeper attach --portal 10.0.0.5 --portal 10.0.1.5 --iqn iqn.2024-01.example:db --lun 0 --name db --mount /srv/db --format --hold 1h',
      does: 'two paths, a new file system',
    },
    { command: 'lunkeeper attach -f volume.yaml', does: 'from a file' },
    {
      command: 'lunkeeper attach -f volume.yaml --take-over',
      does: 'a volume of a node that is dead',
    },
  ],
  async run(context, { options }): Promise<VolumeStatus | VolumeFileSchema> {
    const { schema, 'take-over': takesOver = false, ...input } = options
    const { parseAttachInput } = await import('../input/attach-input.ts')
    if (schema) {
      const { volumeFileSchema } = await import('../input/volume-file.ts')
      return volumeFileSchema()
    }
    const { request, chap } = await parseAttachInput(input, context)
    const { attach } = await import('../../volumes/attach/attach.ts')
    const host = await context.host()
    return context.operate((operation) => attach(host, request, { chap, takesOver, ...operation }))
  },
  text: (data, display) =>
    'paths' in data ? volumeText(data, display) : `${JSON.stringify(data, null, 2)}\n`,
})
