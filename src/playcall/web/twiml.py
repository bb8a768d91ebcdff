"""What Twilio is told to say and do on a call, and to answer to a short message."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twilio.twiml.voice_response import VoiceResponse  # type: ignore[import-untyped]

TIMES = 2  # that a page is read aloud
PATIENCE = 6  # seconds for a key
KEYS = "To acknowledge, press 1. To escalate, press 2."
JOIN = "To acknowledge and to join the conference, press 1. To escalate, press 2."


def page(said: str, digits: str, *, conference: bool) -> str:
    """`digits`: where Twilio sends the key that was pressed."""
    response = _call()
    for _ in range(TIMES):
        asked = response.gather(num_digits=1, action=digits, timeout=PATIENCE)
        asked.say(f"{said}. {JOIN if conference else KEYS}")
    response.say("No key was pressed, so nobody has acknowledged. Goodbye.")
    return str(response)


def say(said: str) -> str:
    """And hang up."""
    response = _call()
    response.say(said)
    return str(response)


def ask(said: str, digits: str, *, end: str = "") -> str:
    """For one key, or for a number that ends with the key `end`."""
    response = _call()
    many = {"finish_on_key": end} if end else {"num_digits": 1}
    response.gather(action=digits, timeout=PATIENCE, **many).say(said)
    return str(response)


def join(said: str, room: str) -> str:
    """Whoever comes first waits for the others; nobody's leaving ends it."""
    response = _call()
    response.say(said)
    dialled = response.dial()
    dialled.conference(
        room, start_conference_on_enter=True, end_conference_on_exit=False, beep="true"
    )
    return str(response)


def reply(text: str) -> str:
    """Empty: no message is sent back."""
    from twilio.twiml.messaging_response import (  # type: ignore[import-untyped]
        MessagingResponse,
    )

    response = MessagingResponse()
    if text:
        response.message(text)
    return str(response)


def _call() -> "VoiceResponse":
    from twilio.twiml.voice_response import VoiceResponse

    return VoiceResponse()
