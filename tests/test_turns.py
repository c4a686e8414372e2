import threading

from mnist_cnn.turns import Turns


def test_first_come_first_served():
    turns = Turns(places=1)
    first, second, third = turns.join(), turns.join(), turns.join()
    assert [turns.ahead(ticket) for ticket in (first, second, third)] == [0, 1, 2]
    assert len(turns) == 3
    turns.leave(first)
    assert [turns.ahead(ticket) for ticket in (second, third)] == [0, 1]


def test_two_places_serve_two_at_a_time():
    turns = Turns(places=2)
    tickets = [turns.join() for _ in range(4)]
    assert [turns.ahead(ticket) for ticket in tickets] == [0, 0, 1, 2]


def test_whoever_waits_goes_on_when_it_is_their_turn():
    turns = Turns()
    first, second = turns.join(), turns.join()
    turns.wait(first)
    done = threading.Event()
    waiting = threading.Thread(target=lambda: (turns.wait(second), done.set()), daemon=True)
    waiting.start()
    assert not done.wait(0.1)
    turns.leave(first)
    assert done.wait(10)


def test_whoever_leaves_the_line_waits_no_longer_and_holds_nobody_up():
    turns = Turns()
    first, second, third = turns.join(), turns.join(), turns.join()
    done = threading.Event()
    threading.Thread(target=lambda: (turns.wait(second), done.set()), daemon=True).start()
    turns.leave(second)
    turns.leave(second)
    assert done.wait(10)
    assert turns.ahead(third) == 1
    turns.leave(first)
    assert turns.ahead(third) == 0
