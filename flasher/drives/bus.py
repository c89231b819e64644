"""One conversation with a service on the system bus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbus_fast import Message

# Object, interface, member, signature and values to the service's answer.
Ask = Callable[..., Coroutine[Any, Any, "Message"]]


class BusError(Exception):
    """What a service, or the bus itself, said in place of an answer.

    Attributes:
        name: of the error, such as ``org.freedesktop.DBus.Error.ServiceUnknown``.
        text: in the service's words.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name
        self.text = text


@asynccontextmanager
async def conversation(service: str) -> AsyncIterator[Ask]:
    """Ask a service, and be heard as this process; descriptors may come with an answer.

    Raises:
        BusError: there is no bus; later, what an answer was instead.
    """
    from dbus_fast import BusType, Message, MessageType
    from dbus_fast.aio import MessageBus
    from dbus_fast.errors import AuthError

    async def ask(
        place: str, interface: str, member: str, signature: str, *values: object
    ) -> Message:
        message = Message(service, place, interface, member, signature=signature, body=list(values))
        try:
            reply = await bus.call(message)
        except (OSError, EOFError) as error:
            raise BusError("org.freedesktop.DBus.Error.Disconnected", str(error)) from error
        if reply.message_type is MessageType.ERROR:
            raise _as_error(reply)
        return reply

    try:
        bus = MessageBus(bus_type=BusType.SYSTEM, negotiate_unix_fd=True)
        await bus.connect()
    except (OSError, EOFError, AuthError) as error:
        raise BusError("org.freedesktop.DBus.Error.NoServer", str(error)) from error
    try:
        yield ask
    finally:
        bus.disconnect()


def _as_error(reply: Message) -> BusError:
    text = reply.body[0] if reply.body and isinstance(reply.body[0], str) else ""
    return BusError(reply.error_name or "", text)
