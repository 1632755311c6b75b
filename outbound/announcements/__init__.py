"""What a carrier says before anybody answers: 空号, 停机, 关机 and the tones, recognised in the early media.

Carriers in China tell by a voice in 183 what no SIP code says. A ``Listener`` hears the early media as it comes (or
from a recording) and compares it with reference recordings, which are data (``references/``): a carrier's own can be
added. It recognises recordings, not words; docs/outcomes.md has the figures.
"""

from __future__ import annotations
