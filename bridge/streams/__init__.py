"""Streams as people plan them: a registry in PostgreSQL, its REST routes, and what media servers ask of it."""
