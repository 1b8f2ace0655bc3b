"""How long a machine is avoided after it was lost."""

from bot.hosts.losses import AVOIDED_S, REMEMBERED_S, Losses


def test_a_machine_that_was_never_lost_is_not_avoided() -> None:
    assert not Losses().avoided("attic", 0.0)
    assert Losses().last("attic") is None


def test_each_loss_within_an_hour_is_avoided_longer() -> None:
    losses, now = Losses(), 1000.0
    for seconds in (*AVOIDED_S, AVOIDED_S[-1]):
        losses.note("attic", now)
        assert losses.avoided("attic", now + seconds - 1)
        now += seconds
        assert not losses.avoided("attic", now)
    assert not losses.avoided("cellar", now)


def test_old_losses_do_not_count() -> None:
    losses = Losses()
    for _ in range(5):
        losses.note("attic", 0.0)
    losses.note("attic", REMEMBERED_S + 1)
    assert not losses.avoided("attic", REMEMBERED_S + 1 + AVOIDED_S[0])
    assert losses.last("attic") == REMEMBERED_S + 1


def test_a_clock_that_goes_back_avoids_nobody_for_long() -> None:
    losses = Losses()
    losses.note("attic", 10_000.0)
    assert not losses.avoided("attic", 5_000.0)
