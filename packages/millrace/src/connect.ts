export * from '@millrace/core/connect'
