"""The database: connection, migrations, lock, columns."""
