"""The kinds of node, one file each. A new kind is a new file and a line here."""

from __future__ import annotations

from ivr.flow.model import Node
from ivr.flow.nodes.choose import Choose
from ivr.flow.nodes.gather import Gather
from ivr.flow.nodes.goto import Goto
from ivr.flow.nodes.hangup import Hangup
from ivr.flow.nodes.menu import Menu
from ivr.flow.nodes.queue import Queue
from ivr.flow.nodes.record import Record
from ivr.flow.nodes.say import Say
from ivr.flow.nodes.service import AskService

NODE_TYPES: dict[str, type[Node]] = {
    node.type: node for node in (Say, Menu, Gather, Record, Queue, AskService, Choose, Goto, Hangup)
}
