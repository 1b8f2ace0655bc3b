"""Tokens, permissions, nonces, attachments and rate limits, over raw HTTP."""

# ruff: noqa: E501
# pyright: basic, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false, reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false, reportOptionalSubscript=false, reportIncompatibleMethodOverride=false
# (fixtures, JSON and a client with attributes of its own: strict types would only repeat the asserts)

import pytest


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/channels/5", 404, 10003),
        ("GET", "/channels/{general}/messages/5", 404, 10008),
        ("PATCH", "/channels/{general}/messages/5", 404, 10008),
        ("GET", "/guilds/5", 404, 10004),
        ("GET", "/guilds/{guild}/members/5", 404, 10007),
        ("POST", "/channels/{general}/messages", 400, 50006),
        ("POST", "/interactions/5/t/callback", 404, 10062),
        ("POST", "/webhooks/{bot}/t", 404, 10015),
        ("GET", "/nothing", 404, 0),
        ("GET", "/channels/{general}/messages?limit=101", 400, 50035),
    ],
)
async def test_what_is_not_there_has_discords_code(raw, method, path, status, code):
    ids = raw.place.ids
    path = path.format(general=ids.general, guild=ids.guild, bot=ids.bot)
    answer = await raw.call(method, path, {} if method in {"POST", "PATCH"} else None)
    assert (answer[0], answer[1]["code"]) == (status, code)


async def test_a_wrong_token_is_refused(raw):
    url = f"{raw.place.url}/api/v10/users/@me"
    async with raw.session.get(url, headers={"Authorization": "Bot other"}) as response:
        assert response.status == 401
        assert response.headers["Content-Type"] == "application/json"


async def test_permissions_are_held(raw):
    ids, world = raw.place.ids, raw.place.server.world
    overwrite = {"id": str(ids.bot), "type": 1, "allow": "0", "deny": str(1 << 11)}
    world.channel(ids.general).overwrites = [overwrite]
    status, answer = await raw.post({"content": "x"})
    assert (status, answer["code"]) == (403, 50013)
    overwrite["deny"] = str(1 << 10)
    status, answer = await raw.post({"content": "x"})
    assert (status, answer["code"]) == (403, 50001)
    overwrite["deny"] = str(1 << 15)
    assert (await raw.post({"content": "x"}))[0] == 200
    status, answer = await raw.post({}, [("a.txt", b"x")])
    assert (status, answer["code"]) == (403, 50013)
    world.user(ids.bob).accepts_dms = False
    path = f"/channels/{ids.dm_bob}/messages"
    status, answer = await raw.call("POST", path, {"content": "x"})
    assert (status, answer["code"]) == (403, 50007)
    thread = world.channel(ids.thread)
    thread.archived = thread.locked = True
    status, answer = await raw.call("POST", f"/channels/{ids.thread}/messages", {"content": "x"})
    assert (status, answer["code"]) == (400, 50083)
    thread.locked = False  # a message opens it again
    assert (await raw.call("POST", f"/channels/{ids.thread}/messages", {"content": "x"}))[0] == 200
    assert not thread.archived


async def test_another_authors_message_is_not_editable(raw):
    message = raw.place.alice.say("mine", channel=raw.place.ids.general)
    path = f"/channels/{raw.place.ids.general}/messages/{message.id}"
    status, answer = await raw.call("PATCH", path, {"content": "x"})
    assert (status, answer["code"]) == (403, 50005)


async def test_an_enforced_nonce_posts_once_within_some_minutes(raw):
    body = {"content": "x", "nonce": "job-1", "enforce_nonce": True}
    first, second = (await raw.post(body))[1], (await raw.post(body))[1]
    assert first["id"] == second["id"]
    assert first["nonce"] == "job-1"
    raw.place.server.world.advance(301)
    assert (await raw.post(body))[1]["id"] != first["id"]
    plain = {"content": "x", "nonce": "job-2"}
    assert (await raw.post(plain))[1]["id"] != (await raw.post(plain))[1]["id"]


async def test_an_edit_keeps_only_the_attachments_it_lists(raw):
    _, message = await raw.post({"content": "x"}, [("a.txt", b"a"), ("b.txt", b"b")])
    path = f"/channels/{raw.place.ids.general}/messages/{message['id']}"
    kept = message["attachments"][1]["id"]
    body = {"attachments": [{"id": kept}, {"id": 0, "filename": "c.txt"}]}
    _, edited = await raw.call("PATCH", path, body, [("c.txt", b"c")])
    assert [a["filename"] for a in edited["attachments"]] == ["b.txt", "c.txt"]
    _, edited = await raw.call("PATCH", path, {"content": "y"})
    assert len(edited["attachments"]) == 2
    status, answer = await raw.call("PATCH", path, {"content": "", "attachments": []})
    assert (status, answer["code"]) == (400, 50006)


async def test_cdn_links_are_signed_and_expire(raw):
    _, message = await raw.post({}, [("a.png", b"bytes")])
    url = message["attachments"][0]["url"]
    async with raw.session.get(url) as response:
        assert await response.read() == b"bytes"
    async with raw.session.get(url.partition("?")[0]) as response:
        assert response.status == 404
    raw.place.server.world.advance(24 * 3600 + 10)
    async with raw.session.get(url) as response:
        assert response.status == 404


async def test_rate_limits_are_told_and_held(raw):
    url = f"{raw.place.url}/api/v10/channels/{raw.place.ids.general}/messages"
    for left in range(4, -1, -1):
        async with raw.session.post(url, json={"content": "x"}) as response:
            assert response.headers["X-RateLimit-Remaining"] == str(left)
    async with raw.session.post(url, json={"content": "x"}) as response:
        body = await response.json()
        assert response.status == 429
        assert 0 < body["retry_after"] <= 5
    raw.place.server.authorizer.limiter.global_per_s = 1
    await raw.call("GET", "/users/@me")
    status, body = await raw.call("GET", "/users/@me")
    assert (status, body["global"]) == (429, True)
