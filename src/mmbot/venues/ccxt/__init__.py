"""Any exchange that ccxt knows, behind the venue port; needs the extra `ccxt`."""
