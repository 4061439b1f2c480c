"""Sockets that connect again by themselves: dialling, heartbeat, staleness, subscriptions."""
