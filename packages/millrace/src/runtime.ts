export * from '@millrace/core/runtime'
