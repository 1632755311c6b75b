"""The agent's desk in a terminal: the card, the script and what came of the talk, by lines that are typed."""
