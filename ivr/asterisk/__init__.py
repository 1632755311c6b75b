"""Asterisk as our child: find it, write its configuration, start it in a sandbox, stop it.

This room knows nothing of calls, flows or the controller.
"""
