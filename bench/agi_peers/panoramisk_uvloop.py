"""panoramisk's FastAGI application on uvloop."""

from __future__ import annotations

import panoramisk_asyncio
import uvloop

uvloop.install()
panoramisk_asyncio.run()
