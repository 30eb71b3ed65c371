export * from '@millrace/core/data'
