"""Money for people: the ledger of virtual and real accounts."""
