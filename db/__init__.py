"""The SQL store: models, migrations, one repository per aggregate, the journal's tables and demo data.

Knows nothing of calls and lines: no import from ``ivr`` but its error base.
"""
