// `npm run build`: what runs as a user would run it reads `dist`.
import { ensureBuilt } from './setup.mjs'

ensureBuilt()
