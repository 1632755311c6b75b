"""The agent's desk: who is on the line, what to say and ask, what came of it. For terminal and web desk alike."""
