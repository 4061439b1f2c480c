"""How often a venue may be asked: buckets by endpoint and scope, shared or not, cancels first."""
