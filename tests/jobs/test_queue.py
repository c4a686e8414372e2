import threading

from mnist_cnn.jobs.queue import JobQueue


def test_first_come_first_served():
    turns = JobQueue(slots=1)
    first, second, third = turns.enqueue(), turns.enqueue(), turns.enqueue()
    assert [turns.position(ticket) for ticket in (first, second, third)] == [0, 1, 2]
    assert len(turns) == 3
    turns.dequeue(first)
    assert [turns.position(ticket) for ticket in (second, third)] == [0, 1]


def test_two_places_serve_two_at_a_time():
    turns = JobQueue(slots=2)
    tickets = [turns.enqueue() for _ in range(4)]
    assert [turns.position(ticket) for ticket in tickets] == [0, 0, 1, 2]


def test_whoever_waits_goes_on_when_it_is_their_turn():
    turns = JobQueue()
    first, second = turns.enqueue(), turns.enqueue()
    turns.wait(first)
    done = threading.Event()
    waiting = threading.Thread(target=lambda: (turns.wait(second), done.set()), daemon=True)
    waiting.start()
    assert not done.wait(0.1)
    turns.dequeue(first)
    assert done.wait(10)


def test_whoever_leaves_the_line_waits_no_longer_and_holds_nobody_up():
    turns = JobQueue()
    first, second, third = turns.enqueue(), turns.enqueue(), turns.enqueue()
    done = threading.Event()
    threading.Thread(target=lambda: (turns.wait(second), done.set()), daemon=True).start()
    turns.dequeue(second)
    turns.dequeue(second)
    assert done.wait(10)
    assert turns.position(third) == 1
    turns.dequeue(first)
    assert turns.position(third) == 0
