"""Who a caller is, proven: by account number and PIN, or by a code sent to a telephone of the customer.

Knows the store and nothing of Asterisk, flows' files or the command line. Account numbers, PINs and codes stand in no
log line, no exception and no journal here; the audit trail names accounts, for it is the store's own.
"""

from __future__ import annotations
