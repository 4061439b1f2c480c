"""Migrations of the store, run by `mmbot.store.sql.schema`; part of the package."""
