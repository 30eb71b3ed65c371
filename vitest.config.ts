import { defineConfig } from 'vitest/config'

// Packages are resolved to their sources, so the tests pass with no `dist` at all.
// Not with `import` among them: Node would take it for packages that others require, too.
const sourceConditions = ['millrace-source', 'node', 'module', 'default']

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
