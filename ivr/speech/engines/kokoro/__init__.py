"""Kokoro-82M behind the engine interface: a natural voice, too slow to speak while a caller waits, so it works ahead.

Words become phonemes (``mandarin``, ``english``), phonemes sound (``model``), all of it in one niced process
(``worker``, ``engine``). It needs the extra ``voice``; nothing here is imported without it but ``identity`` and
``engine``, which say so.
"""

from __future__ import annotations
