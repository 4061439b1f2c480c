"""The process that cancels a session's orders when the session's heartbeat stops."""
