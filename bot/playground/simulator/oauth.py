"""Signing in with Discord on another site: the page that asks, the code, the token.

As Discord does it for a confidential client: authorization code, redirect addresses known before,
PKCE where the site brings a challenge. Who signs in is chosen on the page: nobody has a password.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from aiohttp import web

from bot.playground.simulator import errors
from bot.playground.simulator.errors import Json
from bot.playground.simulator.middleware import API, BEARER, reply
from bot.playground.simulator.payloads import me_json
from bot.playground.simulator.permissions import base_permissions
from bot.playground.simulator.world import User, World

CLIENT_SECRET = "loopback.client.secret"  # noqa: S105 - no secret: it opens nothing but this server
CODE_S: Final = 60.0
TOKEN_S: Final = 604_800.0
KNOWN_SCOPES: Final = frozenset({"identify", "guilds"})

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 26rem; margin: 12vh auto; padding: 0 1rem; }
a { display: block; margin: .5rem 0; padding: .7rem 1rem; border: 1px solid #8886; color: inherit;
  border-radius: 8px; text-decoration: none; }
a:hover, a:focus { background: #5865f222; border-color: #5865f2; }
p { opacity: .75; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    user_id: int
    redirect_uri: str
    scopes: frozenset[str]
    challenge: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who an access token speaks for, and what it may ask."""

    user_id: int
    scopes: frozenset[str]
    expires_at: float


class OAuth:
    """The routes, and everything that is under way."""

    def __init__(self, world: World, *, client_secret: str = CLIENT_SECRET) -> None:
        self.world = world
        self.client_secret = client_secret
        self._codes: dict[str, _Grant] = {}
        self._tokens: dict[str, Bearer] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/oauth2/authorize", self.page),
            web.get("/oauth2/authorize/choose", self.choose),
            web.get("/oauth2/style.css", self.style),
            web.post(f"{API}/oauth2/token", self.token),
            web.get(f"{API}/users/@me/guilds", self.guilds),
        ]

    def bearer(self, token: str) -> Bearer | None:
        """Whom a token speaks for, while it does."""
        found = self._tokens.get(token)
        return found if found is not None and found.expires_at > self.world.time() else None

    # -- the page in the browser

    async def page(self, request: web.Request) -> web.Response:
        """Who do you want to be?"""
        problem = self._problem(request)
        if problem:
            return web.Response(status=400, text=problem)
        people = [user for user in self.world.users.values() if not user.bot]
        links = "".join(_link(request, _name(user), user=str(user.id)) for user in people)
        site = escape(request.query["redirect_uri"].split("/")[2])
        body = (
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            '<link rel="stylesheet" href="/oauth2/style.css"><title>Sign in</title>'
            f"<h1>Sign in</h1><p>A simulated Discord. {site} wants to know who you are and which "
            f"servers you are in.</p>{links}{_link(request, 'Cancel', user='')}</html>"
        )
        return web.Response(text=body, content_type="text/html")

    async def style(self, _request: web.Request) -> web.Response:
        return web.Response(text=_STYLE, content_type="text/css")

    async def choose(self, request: web.Request) -> web.Response:
        """Back to the site, with a code or with `access_denied`."""
        problem = self._problem(request)
        if problem:
            return web.Response(status=400, text=problem)
        query, user = request.query, request.query.get("user", "")
        answer = {"state": query["state"]} if "state" in query else {}
        if not user.isdecimal() or int(user) not in self.world.users:
            answer |= {"error": "access_denied"}
        else:
            answer["code"] = self._code(request, int(user))
        target = query["redirect_uri"] + "?" + urlencode(answer)
        return web.Response(status=302, headers={"Location": target, "Cache-Control": "no-store"})

    def _problem(self, request: web.Request) -> str:
        query = request.query
        scopes = frozenset(query.get("scope", "").split())
        if query.get("client_id") != str(self.world.application_id):
            return "Unknown Application"
        if query.get("redirect_uri") not in self.world.redirect_uris:
            return "Invalid OAuth2 redirect_uri"
        if query.get("response_type") != "code":
            return "Unsupported response type"
        if not scopes or scopes - KNOWN_SCOPES:
            return "The requested scope is invalid, unknown, or malformed."
        if "code_challenge" in query and query.get("code_challenge_method") != "S256":
            return "Invalid code challenge method"
        return ""

    def _code(self, request: web.Request, user_id: int) -> str:
        code = secrets.token_urlsafe(22)
        self._codes[code] = _Grant(
            user_id=user_id,
            redirect_uri=request.query["redirect_uri"],
            scopes=frozenset(request.query["scope"].split()),
            challenge=request.query.get("code_challenge", ""),
            expires_at=self.world.time() + CODE_S,
        )
        return code

    # -- the API

    async def token(self, request: web.Request) -> web.Response:
        """A token for a code: once, to whoever knows the secret, the address and the verifier."""
        form = {key: values[0] for key, values in parse_qs(await request.text()).items()}
        known = form.get("client_id") == str(self.world.application_id)
        if not known or not _same(form.get("client_secret", ""), self.client_secret):
            return reply({"error": "invalid_client"}, status=401)
        if form.get("grant_type") != "authorization_code":
            return reply({"error": "unsupported_grant_type"}, status=400)
        grant = self._codes.pop(form.get("code", ""), None)
        if grant is None or grant.expires_at <= self.world.time():
            return _refused('Invalid "code" in request.')
        if form.get("redirect_uri") != grant.redirect_uri:
            return _refused('Invalid "redirect_uri" in request.')
        if grant.challenge and not _same(_challenge(form), grant.challenge):
            return _refused('Invalid "code_verifier" in request.')
        token = secrets.token_urlsafe(22)
        expires_at = self.world.time() + TOKEN_S
        self._tokens[token] = Bearer(
            user_id=grant.user_id, scopes=grant.scopes, expires_at=expires_at
        )
        return reply(
            {
                "token_type": "Bearer",
                "access_token": token,
                "expires_in": int(TOKEN_S),
                "refresh_token": secrets.token_urlsafe(22),
                "scope": " ".join(sorted(grant.scopes)),
            }
        )

    async def guilds(self, request: web.Request) -> web.Response:
        """The servers of whom the token speaks for."""
        bearer: Any = request.get(BEARER)
        if bearer is None or "guilds" not in bearer.scopes:
            raise errors.unauthorized()
        found = [g for g in self.world.guilds.values() if bearer.user_id in g.members]
        return reply([self._guild(guild.id, bearer.user_id) for guild in found])

    def _guild(self, guild_id: int, user_id: int) -> Json:
        guild = self.world.guild(guild_id)
        return {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": guild.owner_id == user_id,
            "permissions": str(base_permissions(self.world, guild_id, user_id)),
            "features": guild.features,
        }


def whose(request: web.Request, world: World) -> Json:
    """`/users/@me`: the bot's own, or of whom a token speaks for."""
    bearer: Any = request.get(BEARER)
    if bearer is None:
        return me_json(world.user(world.bot_user_id))
    if "identify" not in bearer.scopes:
        raise errors.unauthorized()
    return me_json(world.user(bearer.user_id))


def _name(user: User) -> str:
    return user.global_name or user.username


def _link(request: web.Request, name: str, *, user: str) -> str:
    query = urlencode({**request.query, "user": user})
    return f'<a href="/oauth2/authorize/choose?{escape(query)}">{escape(name)}</a>'


def _challenge(form: dict[str, str]) -> str:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _refused(description: str) -> web.Response:
    return reply({"error": "invalid_grant", "error_description": description}, status=400)
