/** Every benchmark case. */
import type { BenchCase } from './case.ts'
import { epochCases } from './cases/epochs.ts'
import { fileCases } from './cases/files.ts'
import { inMemoryCases } from './cases/in-memory.ts'
import { latencyCases } from './cases/latency.ts'
import { nexmarkCases } from './cases/nexmark.ts'
import { quickstartCases } from './cases/quickstart.ts'

/** In the order in which they are reported. */
export const allCases: readonly BenchCase[] = [
  ...nexmarkCases,
  ...inMemoryCases,
  ...fileCases,
  ...latencyCases,
  ...epochCases,
  ...quickstartCases,
]
