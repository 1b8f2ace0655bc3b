"""Interactions: made by members, answered by the bot within 3 s, alive for 15 minutes."""

import secrets
import time
from typing import Any

from bot.playground.simulator import errors, limits
from bot.playground.simulator.check_command import STRING, check_choices
from bot.playground.simulator.check_components import check_modal
from bot.playground.simulator.errors import FormErrors, Json, as_list, as_object
from bot.playground.simulator.message_payloads import interaction_json
from bot.playground.simulator.posting import Body, Posting
from bot.playground.simulator.world import Channel, Interaction, InteractionType, Message

PONG, MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 1, 4, 5, 6, 7, 8, 9


def _allowed(interaction: Interaction) -> frozenset[int]:
    """Which callback types may answer it."""
    match interaction.type:
        case InteractionType.AUTOCOMPLETE:
            return frozenset({CHOICES})
        case InteractionType.COMMAND:
            return frozenset({MESSAGE, DEFER, MODAL})
        case InteractionType.COMPONENT:
            return frozenset({MESSAGE, DEFER, DEFER_UPDATE, UPDATE, MODAL})
        case InteractionType.MODAL_SUBMIT:
            updates = {DEFER_UPDATE, UPDATE} if interaction.source_message_id else set[int]()
            return frozenset({MESSAGE, DEFER} | updates)


class Interactions:
    """The bot's side of interactions."""

    def __init__(self, posting: Posting) -> None:
        self.posting = posting
        self.world = posting.world

    def send(
        self,
        kind: InteractionType,
        data: Json,
        *,
        user_id: int,
        channel: Channel,
        source_message_id: int | None = None,
        user_install_only: bool = False,
        opener_id: int | None = None,
    ) -> Interaction:
        """Make an interaction and dispatch it."""
        interaction = Interaction(
            id=self.world.new_id(),
            token=secrets.token_urlsafe(48),
            type=kind,
            user_id=user_id,
            channel_id=channel.id,
            guild_id=channel.guild_id,
            data=data,
            created_at=self.world.time(),
            sent_monotonic=time.monotonic(),
            source_message_id=source_message_id,
            user_install_only=user_install_only,
            opener_id=opener_id,
        )
        self.world.interactions[interaction.id] = interaction
        self._publish("interaction_sent", interaction, {"type": int(kind)})
        payload = interaction_json(self.world, self.posting.base_url, interaction)
        self.posting.gateway.dispatch("INTERACTION_CREATE", payload)
        return interaction

    def _publish(self, kind: str, interaction: Interaction, data: Json) -> None:
        self.posting.feed.publish(
            kind,
            channel_id=interaction.channel_id,
            viewer=interaction.user_id,
            data={"interaction_id": str(interaction.id), **data},
        )

    def expired(self, interaction: Interaction) -> bool:
        return self.world.time() - interaction.created_at > limits.TOKEN_LIFETIME_S

    def overdue(self, interaction: Interaction) -> bool:
        """Not acknowledged within 3 s: the member sees "The application did not respond"."""
        waited = self.world.time() - interaction.created_at
        return interaction.callback_type is None and waited > limits.ACKNOWLEDGE_WITHIN_S

    def callback(self, interaction_id: int, token: str, body: Body) -> Interaction:
        """`POST /interactions/{id}/{token}/callback`."""
        interaction = self.world.interactions.get(interaction_id)
        if interaction is None or interaction.token != token or self.overdue(interaction):
            raise errors.unknown_interaction()
        if interaction.callback_type is not None:
            raise errors.already_acknowledged()
        kind: Any = body.json.get("type")
        if kind not in _allowed(interaction):
            raise errors.invalid(("type",), "BASE_TYPE_CHOICES", f"{kind!r} can't answer this.")
        data: Json = as_object(body.json.get("data"))
        self._apply(interaction, kind, Body(json=data, uploads=body.uploads))
        interaction.callback_type = kind
        interaction.acknowledged_after_s = time.monotonic() - interaction.sent_monotonic
        self._publish(
            "interaction_acknowledged",
            interaction,
            {"callback_type": kind, "elapsed_s": interaction.acknowledged_after_s},
        )
        return interaction

    def _apply(self, interaction: Interaction, kind: int, body: Body) -> None:
        ephemeral = bool(int(body.json.get("flags") or 0) & limits.EPHEMERAL)
        if kind in {MESSAGE, DEFER}:
            if kind == DEFER:
                body = Body(json={"flags": int(body.json.get("flags") or 0)})
            message = self._post(interaction, body, ephemeral=ephemeral, loading=kind == DEFER)
            interaction.ephemeral = ephemeral
            interaction.response_message_id = message.id
        elif kind in {UPDATE, DEFER_UPDATE}:
            assert interaction.source_message_id is not None
            message = self.world.message(interaction.source_message_id)
            if kind == UPDATE:
                self.posting.edit(message, body)
            interaction.ephemeral = message.ephemeral_for is not None
            interaction.response_message_id = message.id
        elif kind == CHOICES:
            self._choose(interaction, body.json)
        elif kind == MODAL:
            check_modal(body.json)
            interaction.modal = body.json
            self._publish("modal", interaction, {"modal": body.json})

    def _choose(self, interaction: Interaction, data: Json) -> None:
        form = FormErrors()
        focused = focused_option(as_list(interaction.data.get("options")))
        kind = int(focused.get("type", STRING))
        check_choices(form, ("data", "choices"), data.get("choices"), kind=kind)
        form.finish()
        interaction.choices = list(data["choices"])
        self._publish("choices", interaction, {"choices": interaction.choices})

    def _post(
        self, interaction: Interaction, body: Body, *, ephemeral: bool, loading: bool = False
    ) -> Message:
        return self.posting.create(
            self.world.channel(interaction.channel_id),
            body,
            author_id=self.world.bot_user_id,
            interaction=interaction,
            ephemeral=ephemeral,
            loading=loading,
        )

    def by_token(self, application_id: int, token: str) -> Interaction:
        """For the webhook routes: 401/50027 when expired, 404 when unknown or unanswered."""
        if application_id == self.world.application_id:
            for interaction in reversed(self.world.interactions.values()):
                if interaction.token != token:
                    continue
                if self.expired(interaction):
                    raise errors.token_expired()
                if interaction.callback_type is None:
                    break
                return interaction
        raise errors.unknown_webhook()

    def message_of(self, interaction: Interaction, which: str) -> Message:
        """A message of this interaction: "@original", or the id of one of its own."""
        own = [interaction.response_message_id, *interaction.followup_ids]
        wanted = interaction.response_message_id if which == "@original" else int(which)
        if wanted is None or wanted not in own:
            raise errors.unknown_message()
        return self.world.message(wanted)

    def follow_up(self, interaction: Interaction, body: Body) -> Message:
        """A further message. The first one after a defer takes the waiting message's place."""
        waiting = self.world.messages.get(interaction.response_message_id or 0)
        if (
            interaction.callback_type == DEFER
            and waiting is not None
            and waiting.deleted_at is None
            and waiting.flags & limits.LOADING
        ):
            flags = int(body.json.get("flags") or 0) & ~limits.EPHEMERAL
            self.posting.edit(
                waiting, Body(json=body.json | {"flags": flags}, uploads=body.uploads)
            )
            return waiting
        used = len(interaction.followup_ids)
        if interaction.user_install_only and used >= limits.USER_INSTALL_FOLLOWUPS:
            raise errors.too_many_followups()
        ephemeral = bool(int(body.json.get("flags") or 0) & limits.EPHEMERAL)
        message = self._post(interaction, body, ephemeral=ephemeral)
        interaction.followup_ids.append(message.id)
        return message

    def fail_overdue(self, interaction: Interaction) -> None:
        """Tell the member that nobody answered."""
        self._publish("interaction_failed", interaction, {"reason": "no answer within 3 s"})

    def callback_json(self, interaction: Interaction) -> Json:
        """The answer to a callback that asked for one (`with_response`)."""
        inner: Json = {
            "id": str(interaction.id),
            "type": int(interaction.type),
        }
        payload: Json = {"interaction": inner}
        message_id = interaction.response_message_id
        if message_id is not None:
            message = self.world.message(message_id)
            inner["response_message_id"] = str(message_id)
            inner["response_message_loading"] = bool(message.flags & limits.LOADING)
            inner["response_message_ephemeral"] = message.ephemeral_for is not None
            if interaction.callback_type in {MESSAGE, DEFER, UPDATE}:
                # Discord's document knows no other types of a resource with a message.
                kind = UPDATE if interaction.callback_type == UPDATE else MESSAGE
                shown = self.posting.json(message, viewer=interaction.user_id)
                payload["resource"] = {"type": kind, "message": shown}
        return payload


def focused_option(options: list[Json]) -> Json:
    """The option that is being typed, also inside a subcommand."""
    for option in options:
        if option.get("focused"):
            return option
        inner = focused_option(as_list(option.get("options")))
        if inner:
            return inner
    return {}
