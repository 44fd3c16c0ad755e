"""Telling people: a webhook, and whatever Apprise knows. Secrets come from the environment.

A message is made of text alone, harmless wherever it is shown; what fails is returned, never
raised: nothing that runs depends on anybody being told.
"""

from catalog.notify.messages import Message, alarm_message, plain
from catalog.notify.sending import Sent, Undelivered, send

__all__ = ["Message", "Sent", "Undelivered", "alarm_message", "plain", "send"]
