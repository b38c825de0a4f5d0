import { Lab } from '../../lab/index.ts'

// A test process that will be killed, or fail, without closing its lab. Prints what it made, then waits.
const lab = await Lab.open()
const [node] = await Promise.all([
  lab.boot({ name: 'one', address: '10.9.0.1' }),
  lab.boot({ name: 'two', address: '10.9.0.2' }),
])
if (process.argv[2] === 'frozen') node.freeze()
process.stdout.write(`${lab.dir}\n`)
if (process.argv[2] === 'throws')
  setTimeout(() => {
    throw new Error('not caught, on purpose')
  })
setInterval(() => undefined, 1000)
