export * from '@millrace/core/files'
