/**
 * One seed for all property tests: the suite says the same about the same code on every machine.
 *
 * `npm run explore` gives them a new seed each time and prints it; `MILLRACE_SEED=n` repeats a run.
 */
import fc from 'fast-check'

const seed = Number(process.env['MILLRACE_SEED'] ?? 1)
if (!Number.isSafeInteger(seed)) throw new Error('MILLRACE_SEED has to be a whole number')
fc.configureGlobal({ seed })
