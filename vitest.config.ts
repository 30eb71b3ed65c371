import { defineConfig } from 'vitest/config'

// Packages are resolved to their sources, so the tests pass with no `dist` at all.
const sourceConditions = ['millrace-source', 'node', 'import', 'module', 'default']

export default defineConfig({
  resolve: { conditions: sourceConditions },
  ssr: { resolve: { conditions: sourceConditions, externalConditions: sourceConditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    typecheck: {
      enabled: true,
      include: ['packages/*/test/**/*.test-d.ts', 'test/**/*.test-d.ts'],
      tsconfig: './tsconfig.vitest.json',
      ignoreSourceErrors: true,
    },
    setupFiles: ['test/seed.ts'],
    testTimeout: 30_000,
    coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'] },
  },
})
