"""``ivr run``: Asterisk and the controller as two children that are started, watched, restarted and stopped together.

It must not know what the controller does. What has to be ready before (tables, demonstration data, speech) is handed
in as named steps.
"""

from __future__ import annotations

from ivr.supervise.errors import SuperviseError
from ivr.supervise.run import Step, run

__all__ = ["Step", "SuperviseError", "run"]
