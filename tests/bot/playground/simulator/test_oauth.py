"""Signing in elsewhere with the loopback Discord: what it gives, and what it refuses."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession

from tests.support.loopback import Place

HERE = "http://127.0.0.1:1/signed-in"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")


@pytest.fixture
def place(loopback: Place) -> Place:
    loopback.server.world.redirect_uris = [HERE]
    return loopback


def asked(place: Place, **changes: str) -> dict[str, str]:
    query = {
        "client_id": str(place.ids.bot),
        "response_type": "code",
        "redirect_uri": HERE,
        "scope": "identify guilds",
        "state": "s",
        "code_challenge": CHALLENGE.decode(),
        "code_challenge_method": "S256",
    }
    return query | changes


async def code_for(place: Place, http: ClientSession, user_id: int, **changes: str) -> str:
    query = asked(place, user=str(user_id), **changes)
    url = f"{place.url}/oauth2/authorize/choose"
    async with http.get(url, params=query, allow_redirects=False) as answer:
        assert answer.status == 302
        target = urlsplit(answer.headers["Location"])
    found = parse_qs(target.query)
    assert found["state"] == ["s"]
    return found["code"][0]


async def exchange(
    place: Place, http: ClientSession, code: str, **changes: str
) -> tuple[int, dict[str, Any]]:
    form = {
        "grant_type": "authorization_code",
        "client_id": str(place.ids.bot),
        "client_secret": place.server.oauth.client_secret,
        "redirect_uri": HERE,
        "code": code,
        "code_verifier": VERIFIER,
    }
    async with http.post(f"{place.url}/api/v10/oauth2/token", data=form | changes) as answer:
        return answer.status, await answer.json()


async def test_who_it_is_and_which_servers(place: Place) -> None:
    async with ClientSession() as http:
        code = await code_for(place, http, place.ids.alice)
        status, token = await exchange(place, http, code)
        assert (status, token["token_type"], token["scope"]) == (200, "Bearer", "guilds identify")
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        async with http.get(f"{place.url}/api/v10/users/@me", headers=headers) as answer:
            assert (await answer.json())["id"] == str(place.ids.alice)
        async with http.get(f"{place.url}/api/v10/users/@me/guilds", headers=headers) as answer:
            (guild,) = await answer.json()
            assert (guild["name"], guild["owner"]) == ("Atelier", False)
        async with http.get(f"{place.url}/api/v10/guilds/{place.ids.guild}", headers=headers) as no:
            assert no.status == 401


async def test_a_code_counts_once_in_time_for_its_site(place: Place) -> None:
    async with ClientSession() as http:
        code = await code_for(place, http, place.ids.alice)
        assert (await exchange(place, http, code))[0] == 200
        assert (await exchange(place, http, code))[1]["error"] == "invalid_grant"
        for changes, error in (
            ({"code_verifier": "w" * 43}, "invalid_grant"),
            ({"redirect_uri": "http://127.0.0.1:1/else"}, "invalid_grant"),
            ({"client_secret": "wrong"}, "invalid_client"),
            ({"grant_type": "password"}, "unsupported_grant_type"),
        ):
            code = await code_for(place, http, place.ids.alice)
            assert (await exchange(place, http, code, **changes))[1]["error"] == error
        code = await code_for(place, http, place.ids.alice)
        place.server.world.advance(61)
        assert (await exchange(place, http, code))[1]["error"] == "invalid_grant"


async def test_servers_need_their_scope(place: Place) -> None:
    async with ClientSession() as http:
        code = await code_for(place, http, place.ids.alice, scope="identify")
        _, token = await exchange(place, http, code)
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        async with http.get(f"{place.url}/api/v10/users/@me/guilds", headers=headers) as answer:
            assert answer.status == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.test/"},
        {"client_id": "1"},
        {"scope": "identify email"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
    ],
)
async def test_the_page_refuses_what_discord_refuses(place: Place, changes: dict[str, str]) -> None:
    async with ClientSession() as http:
        for path in ("authorize", "authorize/choose"):
            query = asked(place, user=str(place.ids.alice)) | changes
            url = f"{place.url}/oauth2/{path}"
            async with http.get(url, params=query, allow_redirects=False) as answer:
                assert answer.status == 400


async def test_saying_no_leads_back(place: Place) -> None:
    async with ClientSession() as http:
        url = f"{place.url}/oauth2/authorize/choose"
        query = asked(place, user="")
        async with http.get(url, params=query, allow_redirects=False) as answer:
            assert parse_qs(urlsplit(answer.headers["Location"]).query)["error"] == [
                "access_denied"
            ]
        async with http.get(f"{place.url}/oauth2/authorize", params=query) as page:
            body = await page.text()
            assert "Alice" in body
            assert "Ekaki" not in body  # a bot does not sign in
