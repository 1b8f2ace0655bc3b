"""The doctor finds what is wrong, says how to fix it, and never shows the token."""

import base64
import sqlite3
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.cli.main import main
from bot.common.secret import Secret
from bot.config.reading import read
from bot.config.settings import Settings
from bot.doctor import configuration, machine, model, runtimes, token
from bot.doctor.all import every_check
from bot.doctor.online import check_application, check_gateway, check_guilds, check_online
from bot.doctor.values import Check
from data.shipped.paths import DEMO_MODEL
from data.store.database import Database
from pipeline.model.folder import ModelFolder
from pipeline.plan.on_card import Card
from tests.support.tagger import make_tagger

ID = 123456789012345678
TOKEN = (
    base64.b64encode(str(ID).encode()).decode() + ".GabcdE.abcdefghijklmnopqrstuvwxyz0123456789ab"
)


def settings_with(value: str) -> Settings:
    return Settings(discord_token=Secret(value))


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {each.name: each for each in checks}


def test_token_tells_the_application_and_the_invite_link() -> None:
    checks = by_name(token.check_token(settings_with(TOKEN)))
    assert checks["Token"].result == "ok"
    assert f"client_id={ID}" in checks["Invite link"].found
    assert TOKEN not in str(checks)


@pytest.mark.parametrize(
    ("gib", "result", "found"),
    [
        (24, "ok", "all of the model on it"),
        (0.5, "fail", "the model needs about"),
        (None, "warn", "does not say how much memory"),
    ],
)
def test_a_card_is_told_what_it_will_hold(gib: float | None, result: str, found: str) -> None:
    card = None if gib is None else Card(name="A card", total_bytes=int(gib * 2**30))
    check = model.check_card(ModelFolder.open(DEMO_MODEL), card, 1)
    assert (check.name, check.result) == ("Card 1", result)
    assert found in check.found


def test_every_engine_on_the_processor_is_planned_beside_the_others(tmp_path: Path) -> None:
    settings = Settings(
        model="demo", models_dir=tmp_path, provider="cpu", device_id=(0, 1, 2), data_dir=tmp_path
    )
    checks = list(model.check_model(settings))
    assert len([check for check in checks if check.name == "Memory"]) == 3
    names = [check.name for check in model.check_provider(settings)]
    assert names == ["Provider 0", "Provider 1", "Provider 2"]


def test_permissions_are_exactly_what_the_bot_does() -> None:
    import discord

    wanted = discord.Permissions(
        view_channel=True, send_messages=True, send_messages_in_threads=True, embed_links=True,
        attach_files=True, read_message_history=True, add_reactions=True,
    )  # fmt: skip
    assert wanted.value == token.PERMISSION_BITS


@pytest.mark.parametrize("value", ["", "abc", "Bot " + TOKEN, TOKEN.replace(".", " "), "a.b.c"])
def test_wrong_token_is_told_without_showing_it(value: str) -> None:
    (check,) = token.check_token(settings_with(value))
    assert check.result == "fail"
    assert "developers/applications" in check.fix
    assert len(value) < 6 or value not in check.found + check.fix


def test_every_wrong_value_is_a_finding_and_misspelled_names_are_guessed(tmp_path: Path) -> None:
    settings, errors = read({"MAX_COUNT": "9", "ENGINE": "x"})
    checks = list(configuration.check_values(errors))
    assert [each.result for each in checks] == ["fail", "fail"]
    assert settings.max_count == 4
    file = tmp_path / ".env"
    file.write_text("PICTURE_PER_HOUR=3\nDISCORD_TOKEN=x\n", encoding="utf-8")
    file.chmod(0o644)
    found = list(configuration.check_env_file(file, settings))
    assert found[0].fix == "Did you mean PICTURES_PER_HOUR?"
    assert found[1].fix == f"chmod 600 {file}"


def test_a_container_has_its_settings_without_a_file(tmp_path: Path) -> None:
    def result(token: str) -> str:
        (check,) = configuration.check_env_file(tmp_path / ".env", settings_with(token))
        return check.result

    assert (result(""), result("a.b.c")) == ("warn", "ok")


def test_both_runtimes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "1.0")  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    assert runtimes.check_runtimes().result == "fail"
    with pytest.raises(Exception, match="both_runtimes"):
        runtimes.check_single_runtime()


def test_the_installed_runtime_is_exactly_one() -> None:
    assert runtimes.check_runtimes().result == "ok"


async def test_database_is_looked_at_and_left_alone(tmp_path: Path) -> None:
    assert machine.check_database(tmp_path).result == "ok"
    assert not (tmp_path / machine.DATABASE_NAME).exists()
    async with Database.open(tmp_path / machine.DATABASE_NAME):
        assert machine.check_database(tmp_path).result == "ok"  # also while a bot uses it
    with sqlite3.connect(tmp_path / machine.DATABASE_NAME) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    newer = machine.check_database(tmp_path)
    assert (newer.result, "9999" in newer.found) == ("fail", True)
    (tmp_path / machine.DATABASE_NAME).write_bytes(b"no database" * 100)
    assert machine.check_database(tmp_path).result == "fail"


def test_folder_that_is_a_file_fails(tmp_path: Path) -> None:
    file = tmp_path / "state"
    file.write_text("", encoding="utf-8")
    assert machine.check_folder("DATA_DIR", file / "deeper").result == "fail"
    assert machine.check_folder("DATA_DIR", tmp_path / "new" / "deep").result == "ok"


def test_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, models_dir=tmp_path, model=str(tmp_path / "none"))
    checks = by_name(list(every_check(settings, [], env_file=tmp_path / ".env", online=False)))
    assert checks["Model"].result == "fail"
    assert "MODEL" in checks["Model"].fix
    assert checks["Provider"].result == "ok"
    hub = replace(settings, model="owner/name")
    checks |= by_name(list(every_check(hub, [], env_file=tmp_path / ".env", online=False)))
    assert "model fetch" in checks["Model"].fix
    broken = [each for each in checks.values() if "check itself broke" in each.found]
    assert broken == []


def test_command_exits_1_and_hides_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    monkeypatch.setenv("MODEL", "./none")
    assert main(["doctor"]) == 1
    shown = capsys.readouterr()
    assert "FAIL  Model" in shown.out
    assert "ok    Invite link" in shown.out
    assert TOKEN not in shown.out + shown.err


def test_application_and_servers_are_judged() -> None:
    assert check_application({"flags": 0})[0].result == "ok"
    assert check_application({"flags": 1 << 19})[0].result == "warn"
    assert (
        by_name(check_application({"interactions_endpoint_url": "https://x"}))[
            "Interactions"
        ].result
        == "fail"
    )
    assert check_guilds([], application_id=ID)[0].result == "warn"
    (lacking,) = check_guilds([{"name": "G", "permissions": str(1 << 11)}], application_id=ID)
    assert "Attach Files" in lacking.found
    assert check_guilds([{"name": "G", "permissions": "8"}], application_id=ID)[0].result == "ok"
    page = [{"name": "G", "permissions": "8"}] * 200
    assert "the first 200" in check_guilds(page, application_id=ID)[0].found


def test_shards_and_what_is_left_of_the_days_starts_are_told() -> None:
    def gateway(remaining: int) -> dict[str, Any]:
        limit = {"total": 1000, "remaining": remaining, "reset_after": 5_400_000}
        return {"shards": 3, "session_start_limit": limit}

    enough = check_gateway(gateway(998), servers=2600)
    assert enough.result == "ok"
    assert enough.found == "3 (servers: 2600); 998 of 1000 session starts left today"
    few = check_gateway(gateway(2), servers=None)
    assert few.result == "warn"
    assert "for 1.5 hours" in few.fix


async def test_online_asks_the_server_of_the_settings() -> None:
    import asyncio

    async def me(request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bot {TOKEN}":
            return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)
        return web.json_response({"id": str(ID), "username": "ekaki"})

    async def application(request: web.Request) -> web.Response:
        return web.json_response({"id": str(ID), "flags": 0, "approximate_guild_count": 1})

    async def guilds(request: web.Request) -> web.Response:
        return web.json_response([{"id": "1", "name": "G", "permissions": "0"}])

    async def gateway(request: web.Request) -> web.Response:
        limit = {"total": 1000, "remaining": 990, "reset_after": 0, "max_concurrency": 1}
        return web.json_response({"url": "wss://x", "shards": 1, "session_start_limit": limit})

    app = web.Application()
    app.router.add_get("/api/v10/users/@me", me)
    app.router.add_get("/api/v10/gateway/bot", gateway)
    app.router.add_get("/api/v10/applications/@me", application)
    app.router.add_get("/api/v10/users/@me/guilds", guilds)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        good = Settings(discord_token=Secret(TOKEN), discord_api_url=url)
        checks = by_name(await asyncio.to_thread(check_online, good))
        bad = Settings(discord_token=Secret("wrong"), discord_api_url=url)
        (refused,) = await asyncio.to_thread(check_online, bad)
    finally:
        await runner.cleanup()
    assert checks["Discord"].found == "logged in as ekaki"
    assert checks["Server"].result == "warn"
    assert checks["Shards"].found.startswith("1 (servers: 1); 990 of 1000")
    assert refused.result == "fail"
    (unreachable,) = await asyncio.to_thread(check_online, good)
    assert "can't be reached" in unreachable.found


def test_the_tagger_is_told_with_what_it_means_for_ratings(tmp_path: Path) -> None:
    settings = Settings(models_dir=tmp_path, model=str(tmp_path / "sdxl"))
    none = model.check_tagger(settings)
    assert none.result == "warn"
    assert "nsfw and explicit stay off" in none.found
    assert "model fetch --tagger" in none.fix
    assert "TAGGER=off" in model.check_tagger(replace(settings, tagger="off")).found
    own = make_tagger(tmp_path / "sdxl" / "tagger")
    assert model.check_tagger(settings).result == "ok"
    assert model.check_tagger(replace(settings, tagger=str(own))).result == "ok"
    (own / "model.onnx").write_bytes(b"half")
    assert model.check_tagger(settings).result == "fail"
    assert model.check_tagger(replace(settings, tagger=str(tmp_path))).result == "fail"
