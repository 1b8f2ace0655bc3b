"""The fair queue: nobody starves, weights hold, a person's own order is kept."""

from collections import Counter, defaultdict
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.draw.fair_queue import FairQueue, Unit


def unit(user: int, number: int, *, weight: int = 1, cost: float = 1.0) -> Unit:
    return Unit(job_id=f"{user}-{number}", index=0, user_id=user, weight=weight, cost=cost)


def drain(queue: FairQueue) -> list[Unit]:
    taken: list[Unit] = []
    while (next_unit := queue.pop()) is not None:
        taken.append(next_unit)
    return taken


arrivals = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 3), st.floats(0.1, 50.0)), max_size=40
)


@given(arrivals)
def test_everything_comes_out_once_and_in_each_persons_order(
    items: list[tuple[int, int, float]],
) -> None:
    queue = FairQueue()
    pushed: dict[int, list[str]] = defaultdict(list)
    for number, (user, weight, cost) in enumerate(items):
        queue.push(unit(user, number, weight=weight, cost=cost))
        pushed[user].append(f"{user}-{number}")
    came: dict[int, list[str]] = defaultdict(list)
    for taken in drain(queue):
        came[taken.user_id].append(taken.job_id)
    assert came == pushed
    assert len(queue) == 0


@given(arrivals, st.data())
def test_upcoming_foretells_what_pop_gives(
    items: list[tuple[int, int, float]], data: st.DataObject
) -> None:
    queue = FairQueue()
    for number, (user, weight, cost) in enumerate(items):
        queue.push(unit(user, number, weight=weight, cost=cost))
        if data.draw(st.booleans()):
            queue.pop()
    assert list(queue.upcoming()) == drain(queue)


@given(st.integers(1, 10), st.integers(0, 30))
def test_ten_jobs_of_one_delay_anothers_first_by_one(before: int, taken: int) -> None:
    queue = FairQueue()
    for number in range(before + taken):
        queue.push(unit(1, number))
    for _ in range(taken):
        queue.pop()
    queue.push(unit(2, 0))
    first_two = [queue.pop(), queue.pop()]
    assert 2 in {next_unit.user_id for next_unit in first_two if next_unit}


def test_weights_share_the_device() -> None:
    queue = FairQueue()
    for number in range(60):
        queue.push(unit(1, number, weight=1))
        queue.push(unit(2, number, weight=3))
    shares = Counter(queue.pop().user_id for _ in range(40))  # type: ignore[union-attr]
    assert shares == {1: 10, 2: 30}


def test_costly_pictures_count_more_than_cheap_ones() -> None:
    queue = FairQueue()
    for number in range(30):
        queue.push(unit(1, number, cost=2.0))
        queue.push(unit(2, number, cost=1.0))
    shares = Counter(queue.pop().user_id for _ in range(30))  # type: ignore[union-attr]
    assert shares == {1: 10, 2: 20}


def test_idling_earns_no_credit() -> None:
    queue = FairQueue()
    for number in range(20):
        queue.push(unit(1, number))
    for _ in range(10):
        queue.pop()
    for number in range(20):
        queue.push(unit(2, number))
    shares = Counter(queue.pop().user_id for _ in range(10))  # type: ignore[union-attr]
    assert shares == {1: 5, 2: 5}


def test_removing_a_job_leaves_the_others() -> None:
    queue = FairQueue()
    for index in range(3):
        queue.push(Unit(job_id="a", index=index, user_id=1))
    queue.push(unit(1, 9))
    assert queue.remove_job("a") == 3
    assert [left.job_id for left in drain(queue)] == ["1-9"]
    assert queue.remove_job("a") == 0


def test_a_unit_that_was_not_done_comes_back_first() -> None:
    queue = FairQueue()
    queue.push(unit(1, 0))
    queue.push(unit(1, 1))
    queue.push(unit(2, 0))
    taken = queue.pop()
    assert taken is not None
    queue.push_front(taken)
    assert drain(queue)[0] == taken


@given(arrivals)
def test_nobody_starves(items: list[tuple[int, int, float]]) -> None:
    """While somebody waits, others get at most their weighted share plus one picture each."""
    queue = FairQueue()
    for number, (user, weight, cost) in enumerate(items):
        queue.push(unit(user, number, weight=weight, cost=cost))
    queue.push(unit(99, 0))
    served: dict[int, float] = defaultdict(float)
    largest: dict[int, float] = defaultdict(float)
    for taken in drain(queue):
        if taken.user_id == 99:
            break
        served[taken.user_id] += taken.cost / taken.weight
        largest[taken.user_id] = max(largest[taken.user_id], taken.cost / taken.weight)
    # The newcomer starts at the virtual time of the moment (0 here): each other person is served
    # once at most before it.
    assert all(served[user] <= largest[user] for user in served)


kinds = st.lists(st.tuples(st.integers(1, 5), st.sampled_from("abc")), min_size=1, max_size=40)


@given(kinds, st.integers(0, 4))
def test_what_fits_goes_first_but_nobody_is_passed_over_more_often_than_allowed(
    items: list[tuple[int, str]], passes: int
) -> None:
    """The device draws `a`, until only one whose turn it is can go on."""
    queue = FairQueue()
    for number, (user, kind) in enumerate(items):
        queue.push(replace(unit(user, number), kind=kind))
    passed: Counter[str] = Counter()
    came: dict[int, list[str]] = defaultdict(list)
    while len(queue):
        turn = next(queue.upcoming())
        taken = queue.pop_kind({"a"}, passes=passes)
        if taken is None:
            taken = queue.pop()
            assert taken == turn
        elif taken != turn:
            assert taken.kind == "a"
            assert turn.kind != "a"
            passed[turn.job_id] += 1
        assert taken is not None
        came[taken.user_id].append(taken.job_id)
    assert max(passed.values(), default=0) <= passes
    for user, jobs in came.items():
        assert jobs == [f"{user}-{n}" for n, (who, _) in enumerate(items) if who == user]


def test_a_stream_of_newcomers_can_not_keep_somebody_waiting_for_ever() -> None:
    queue = FairQueue()
    queue.push(replace(unit(1, 0), kind="wide"))
    taken: list[Unit | None] = []
    for user in range(2, 12):
        queue.push(replace(unit(user, 0), kind="tall"))
        taken.append(queue.pop_kind({"tall"}, passes=3))
    assert [each is None for each in taken] == [False] * 3 + [True] * 7
    wide = queue.pop()
    assert wide is not None
    assert wide.user_id == 1


def test_what_several_slots_put_back_keeps_its_order() -> None:
    queue = FairQueue()
    units = [replace(unit(1, number), number=number) for number in range(4)]
    for each in units:
        queue.push(each)
    for taken in [queue.pop() for _ in range(3)]:
        assert taken is not None
        queue.push_front(taken)
    assert drain(queue) == units
