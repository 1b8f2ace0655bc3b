"""Connections that only cost something: idle ones, slow ones, too many; and what the log says."""

import asyncio
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from hypothesis import given
from hypothesis import strategies as st

from bot.common import descriptors
from bot.web import answers, listening, serving
from bot.web.slots import Slots
from data.files.picture_files import PictureFiles
from tests.bot.web.gallery import Shown, page_over
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]
DESCRIPTORS = 400

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no RLIMIT_NOFILE")


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), max_size=60),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_slots_are_never_more_than_there_are(
    deeds: list[tuple[bool, str]], total: int, each: int
) -> None:
    slots, taken = Slots(total=total, each=each), {"a": 0, "b": 0, "c": 0}
    for takes, key in deeds:
        if takes:
            free = sum(taken.values()) < total and taken[key] < each
            assert slots.take(key) is free
            taken[key] += free
        elif taken[key]:
            slots.give_back(key)
            taken[key] -= 1
        assert slots.taken == sum(taken.values()) <= total
        assert slots.full is (slots.taken == total)


def port_of(page: str) -> int:
    return int(page.rpartition(":")[2])


def connect(page: str, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", port_of(page)), timeout=PATIENCE_S, source_address=(source, 0)
    )


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What an operator reads, of ours and of aiohttp."""
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    return [record.getMessage() for record in records if not record.name.startswith("discord.")]


async def ended(sock: socket.socket) -> bytes:
    """What the server still said until it ended the connection."""
    said = b""
    sock.setblocking(False)
    try:
        while piece := await asyncio.get_running_loop().sock_recv(sock, 65_536):
            said += piece
    except ConnectionError:
        pass
    return said


@pytest.fixture
def few_descriptors(gallery: Shown) -> Generator[tuple[str, "subprocess.Popen[str]", Path]]:
    """The page in a process that may have few descriptors: its address, itself, and its log."""
    log = gallery.folder / "stage.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bot.web.few_descriptors", str(gallery.folder)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True,
            env=os.environ | {"DESCRIPTORS": str(DESCRIPTORS)},
        )  # fmt: skip
        assert process.stdout is not None
        page = process.stdout.readline().strip()
        assert page.startswith("http://"), log.read_text()
        yield page, process, log
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


async def get(page: str, path: str, source: str) -> int:
    connector = TCPConnector(local_addr=(source, 0), force_close=True)
    async with ClientSession(connector=connector) as http, http.get(page + path) as answer:
        await answer.read()
        return answer.status


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
async def test_idle_connections_leave_room_for_everybody_else(
    few_descriptors: tuple[str, "subprocess.Popen[str]", Path], gallery: Shown
) -> None:
    page, process, log = few_descriptors
    opened = Path(f"/proc/{process.pid}/fd")
    picture = f"/i/{gallery.safe[0]}/original.png"
    with ExitStack() as stack:
        for _ in range(3 * DESCRIPTORS):
            stack.enter_context(connect(page))
        assert await get(page, "/", "127.0.0.2") == 200
        assert await get(page, picture, "127.0.0.2") == 200
        assert len(list(opened.iterdir())) < DESCRIPTORS // 2
        # From as many addresses as it takes: then the page is full, and the rest still has room.
        for number in range(DESCRIPTORS):
            stack.enter_context(connect(page, f"127.0.1.{1 + number % 200}"))
        # One that waits gets in once idle ones were closed.
        assert await get(page, picture, "127.0.0.3") == 200
        assert len(list(opened.iterdir())) < DESCRIPTORS - 100
    said = [line for line in log.read_text().splitlines() if ":discord." not in line]
    assert len(said) == 1, said
    assert "connections" in said[0]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "IDLE_S", 0.3)
    monkeypatch.setattr(serving, "BODY_S", 0.3)
    monkeypatch.setattr(answers, "SEND_S", 0.3)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("said", [b"", b"GET /", b"GET / HTTP/1.1\r\nX: "])
async def test_who_does_not_ask_is_cut_off(gallery: Shown, said: bytes) -> None:
    async with page_over(gallery.folder) as page, asyncio.timeout(PATIENCE_S):
        with connect(page) as sock:
            sock.sendall(said)
            end = asyncio.create_task(ended(sock))
            while not end.done():  # a byte now and then does not help
                await asyncio.sleep(0.05)
                try:
                    sock.sendall(b"x" if said else b"")
                except OSError:
                    break
            assert await end == b""


@pytest.mark.usefixtures("impatient")
async def test_who_sends_slowly_gets_the_answer_and_is_cut_off(gallery: Shown) -> None:
    async with page_over(gallery.folder) as page, asyncio.timeout(PATIENCE_S):
        with connect(page) as sock:
            sock.sendall(b"POST /sign-out HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\nab")
            assert (await ended(sock)).startswith(b"HTTP/1.1 403 ")


@pytest.mark.usefixtures("impatient")
async def test_who_reads_nothing_is_cut_off(
    own_gallery: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    size = 24_000_000  # more than the system holds between the two
    large = PictureFiles(own_gallery.folder / "pictures").write(os.urandom(size))
    await change_picture(own_gallery, large)
    slots = Slots(total=10, each=10)
    held: list[int] = []
    read_piece = PictureFiles.read_piece

    def counted(files: PictureFiles, content_hash: str, offset: int, most: int) -> bytes:
        piece = read_piece(files, content_hash, offset, most)
        held.append(len(piece))
        return piece

    def these(**_: object) -> Slots:
        return slots

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "connection_slots", these)
        patch.setattr(PictureFiles, "read_piece", counted)
        async with page_over(own_gallery.folder) as page, asyncio.timeout(PATIENCE_S):
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sock.connect(("127.0.0.1", port_of(page)))
                path = f"/i/{own_gallery.safe[0]}/original.png"
                sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                while not slots.taken:
                    await asyncio.sleep(0.01)
                while slots.taken:
                    await asyncio.sleep(0.01)
                assert 0 < len(await ended(sock)) < size
    # What nobody reads is not in memory either: only what the system holds was read from the disk.
    assert 0 < sum(held) < size
    assert max(held) <= answers.PIECE
    assert not told(caplog)


async def test_who_reads_what_is_deleted_meanwhile_is_cut_off(
    own_gallery: Shown, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = PictureFiles(own_gallery.folder / "pictures").write(os.urandom(2 * answers.PIECE))
    await change_picture(own_gallery, large)
    read_piece = PictureFiles.read_piece

    def deletes_it(files: PictureFiles, content_hash: str, offset: int, most: int) -> bytes:
        piece = read_piece(files, content_hash, offset, most)
        files.delete(content_hash)
        return piece

    monkeypatch.setattr(PictureFiles, "read_piece", deletes_it)
    async with page_over(own_gallery.folder) as page, asyncio.timeout(PATIENCE_S):
        with connect(page) as sock:
            path = f"/i/{own_gallery.safe[0]}/original.png"
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            body = (await ended(sock)).partition(b"\r\n\r\n")[2]
    assert len(body) <= answers.PIECE
    assert not told(caplog)


async def test_one_visitor_behind_a_proxy_can_not_read_everything_at_once(
    own_gallery: Shown, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = {False: Slots(total=50, each=2), True: Slots(total=50, each=50)}

    def these(*, behind_proxy: bool) -> Slots:
        return slots[behind_proxy]

    monkeypatch.setattr(serving, "connection_slots", these)
    large = PictureFiles(own_gallery.folder / "pictures").write(os.urandom(24_000_000))
    await change_picture(own_gallery, large)
    async with page_over(own_gallery.folder, web_proxies=1) as page, asyncio.timeout(PATIENCE_S):
        with ExitStack() as stack:
            for _ in range(2):
                sock = stack.enter_context(connect(page))
                path = f"/i/{own_gallery.safe[0]}/original.png"
                said = f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1:80\r\n\r\n"
                sock.sendall(said.encode())
            while slots[False].taken < 2:
                await asyncio.sleep(0.01)
            for visitor, status in (("1.1.1.1:81", 429), ("1.1.1.2", 200)):
                async with http.get(page, headers={"X-Forwarded-For": visitor}) as answer:
                    assert answer.status == status
        while slots[False].taken:
            await asyncio.sleep(0.01)


async def change_picture(shown: Shown, content_hash: str) -> None:
    from data.store.database import DATABASE_NAME, Database

    async with (
        Database.open(shown.folder / DATABASE_NAME) as database,
        database.transaction() as connection,
    ):
        await connection.execute("UPDATE pictures SET content_hash = ?", (content_hash,))


@pytest.mark.parametrize(
    "said",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
     b"GET / HTTP/1.1\r\nCookie: " + b"a" * 20_000 + b"\r\n\r\n",
     b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
     b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"GET / HTTP/1.1\r\n:\r\n\r\n"],
)  # fmt: skip
async def test_what_is_no_http_fills_no_log(
    gallery: Shown, caplog: pytest.LogCaptureFixture, said: bytes
) -> None:
    async with page_over(gallery.folder) as page, asyncio.timeout(PATIENCE_S):
        for _ in range(3):
            with connect(page) as sock:
                sock.sendall(said)
                assert b" 400 " in (await ended(sock)).partition(b"\r\n")[0]
    assert not told(caplog)


async def test_no_descriptors_are_left_for_a_moment(
    gallery: Shown, http: ClientSession, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    loop = asyncio.get_running_loop()
    accept, failures = loop.sock_accept, iter(range(5))

    async def fails_first(sock: socket.socket) -> Any:
        if next(failures, None) is not None:
            raise OSError(24, "Too many open files")
        return await accept(sock)

    monkeypatch.setattr(loop, "sock_accept", fails_first)
    monkeypatch.setattr(listening, "_RETRY_S", 0.001)
    async with page_over(gallery.folder) as page, http.get(page) as answer:
        assert answer.status == 200
    assert [record.name for record in caplog.records].count("bot.web.listening") <= 1


def test_a_process_takes_what_it_may_have() -> None:
    code = (
        "import resource as r; from bot.common import descriptors as d;"
        "r.setrlimit(r.RLIMIT_NOFILE, (200, 700)); d.raise_limit(); print(d.limit())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "700"


def test_connections_are_a_part_of_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "limit", lambda: 400)
    slots = listening.connection_slots(behind_proxy=False)
    assert (slots.total, slots.each) == (200, 25)
    slots = listening.connection_slots(behind_proxy=True)
    assert (slots.total, slots.each) == (200, 200)
