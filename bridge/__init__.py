"""The bridge: serves the platform's numbers to operators and to the app, by REST and WebSocket."""
