export * from '@millrace/core/expr'
