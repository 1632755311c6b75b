"""The parts of ``bench/quotes.py``; the tests of the quote feeds use its server as well."""
