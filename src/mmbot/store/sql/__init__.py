"""The SQL store: orders, fills, accounts and versions, for people and reports.

Journals are the record of a session; this is what they look like in tables. `Shipper` brings them
there, off the path of decisions; everything else here asks, checks, copies or saves.
"""
