// A file of SQLite as its owner opens it, for tests elsewhere that look into what was written.
import Database from 'libsql'

/** Opens a file, or makes it; waits while others write. */
export function openDatabase(path: string): Database.Database {
  const database = new Database(path)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA busy_timeout = 10000')
  return database
}
