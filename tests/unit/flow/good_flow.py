"""A small flow with nothing wrong, for tests to break."""

from __future__ import annotations

GOOD = """\
    flow: main
    languages: [zh, en]
    start: hello
    on_give_up: bye
    on_error: bye
    nodes:
      hello: {type: say, say: hello, next: menu}
      menu:
        type: menu
        say: menu
        keys: {"1": code, "2": english, "*": menu}
      english: {type: goto, to: menu, language: en}
      code:
        type: gather
        say: enter
        digits: {min: 4, max: 4, cancel: "*"}
        save: code
        wrong: too_few
        next: find
        on_cancel: menu
      find:
        type: service
        call: people.find
        with: {code: code}
        exits: {found: about, nobody: menu}
      about: {type: say, say: about, next: menu}
      bye: {type: hangup, say: bye}
    """
