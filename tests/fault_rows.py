"""What each row of the table of faults (docs/faults.md) leaves: counters, each with audit lines.

The page may name more: what only some cases of a row leave.
"""

LEAVES: dict[int, tuple[str, ...]] = {
    1: ("socket_lost.public.disconnected", "market_gaps.disconnected"),
    2: ("socket_lost.public.half_open", "market_gaps.half_open"),
    3: ("sequence_gaps", "sequence_duplicates", "market_gaps.resubscribed"),
    4: ("sequence_duplicates",),
    5: ("socket_lost.private.disconnected", "holds.private_stream"),
    6: ("duplicate_executions", "stale_order_updates"),
    7: ("requests_unknown",),
    8: ("orders_not_found", "fills_healed"),
    9: ("rate_limited.10006", "limits_cut"),
    10: ("refused_requests", "reject_trips", "holds.rejects"),
    11: ("clock_steps",),
    12: ("sessions_resumed",),
    13: ("holds.disk",),
    14: ("checkpoints_damaged",),
    15: ("frames_rejected",),
    16: ("holds.private_stream", "socket_lost.private.disconnected"),
    17: ("loop_stalls", "late_requests", "market_gaps.lagging"),
    18: ("session_ended.interrupted",),
    20: ("key_refused.10003", "session_fatal"),
}
"""Row 19 is about what a session uses: nothing of it goes wrong."""
