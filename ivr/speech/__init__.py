"""Words to sound: typed values are read as the market reads them, one utterance becomes one file in the store.

Knows nothing of calls, flows or Asterisk: it hands out a path that Asterisk can play.
"""
