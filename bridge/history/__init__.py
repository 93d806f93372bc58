"""History in PostgreSQL or TimescaleDB: the recorder writes it, the API reads it."""
