import threading

from mnist_cnn.jobs.queue import JobQueue


class ObservableCondition(threading.Condition):
    """Sets `waiting` when a thread waits, with the lock held, so that no notification can come before the wait."""

    def __init__(self):
        super().__init__()
        self.waiting = threading.Event()

    def wait(self, timeout=None):
        self.waiting.set()
        return super().wait(timeout)


def waiting_thread(queue, ticket):
    """A thread that waits until the job may run."""
    queue._changed = ObservableCondition()
    thread = threading.Thread(target=queue.wait, args=[ticket], daemon=True)
    thread.start()
    assert queue._changed.waiting.wait(60)
    return thread


def test_first_come_first_served():
    queue = JobQueue(slots=1)
    first, second, third = queue.enqueue(), queue.enqueue(), queue.enqueue()
    assert [queue.position(ticket) for ticket in (first, second, third)] == [0, 1, 2]
    assert len(queue) == 3
    queue.dequeue(first)
    assert [queue.position(ticket) for ticket in (second, third)] == [0, 1]


def test_two_slots_serve_two_at_a_time():
    queue = JobQueue(slots=2)
    tickets = [queue.enqueue() for _ in range(4)]
    assert [queue.position(ticket) for ticket in tickets] == [0, 0, 1, 2]


def test_waiting_job_continues_when_a_slot_is_free():
    queue = JobQueue()
    first, second = queue.enqueue(), queue.enqueue()
    queue.wait(first)  # returns at once
    thread = waiting_thread(queue, second)
    queue.dequeue(first)
    thread.join(60)
    assert not thread.is_alive()


def test_dequeued_job_waits_no_longer_and_blocks_nobody():
    queue = JobQueue()
    first, second, third = queue.enqueue(), queue.enqueue(), queue.enqueue()
    thread = waiting_thread(queue, second)
    queue.dequeue(second)
    queue.dequeue(second)
    thread.join(60)
    assert not thread.is_alive()
    assert queue.position(second) == 0
    assert queue.position(third) == 1
    queue.dequeue(first)
    assert queue.position(third) == 0


def test_suspended_job_lets_others_run_and_rejoins_at_the_end():
    queue = JobQueue(slots=1)
    first, second = queue.enqueue(), queue.enqueue()
    queue.suspend(first)
    assert queue.position(second) == 0
    assert len(queue) == 2  # it still takes up memory
    queue.rejoin(first)
    assert [queue.position(ticket) for ticket in (second, first)] == [0, 1]


def test_suspended_job_that_leaves_does_not_rejoin():
    queue = JobQueue(slots=1)
    ticket = queue.enqueue()
    queue.suspend(ticket)
    queue.dequeue(ticket)
    queue.rejoin(ticket)
    assert len(queue) == 0
