export * from '@millrace/core/host'
