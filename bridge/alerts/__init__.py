"""Alerts as the app shows them: told by Alertmanager and by reached goals, acknowledged by people, closed when over."""
