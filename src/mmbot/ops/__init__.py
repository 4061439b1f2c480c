"""Operating a bot: what looks at the machine and the account instead of the market."""
