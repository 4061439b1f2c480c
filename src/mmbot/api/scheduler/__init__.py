"""``/admin/scheduler/{suggest,apply}``: trading windows from recorded data."""
