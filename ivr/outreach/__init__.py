"""What automatic calls say and ask: notices, and questionnaires by keys. Dials nobody and knows no table."""
