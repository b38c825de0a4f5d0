// Those who use the volumes, and those who look at the targets' files: one program, as starting one takes long.
import { auditor } from './auditor.mjs'
import { pen } from './pen.mjs'
import { serve } from './serve.mjs'

serve({ ...pen, ...auditor })
