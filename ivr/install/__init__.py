"""From a fresh machine to a running Goldline: ``python3 -m ivr.install run`` (what ``make run`` calls).

Standard library only, because it runs before any dependency is there; it may use ``ivr.asterisk.locate`` and
``ivr.errors``, which keep to the same rule. It must not know what Goldline does with what it installs.
"""
