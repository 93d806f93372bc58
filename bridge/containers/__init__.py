"""Media servers launched for events, in containers or as local processes, behind one interface."""
